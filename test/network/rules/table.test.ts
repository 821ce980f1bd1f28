import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { tablesText } from '../../../src/network/rules/table.ts'
import type { RuleNetwork } from '../../../src/network/rules/types.ts'
import { assertGolden } from '../../support/golden.ts'
import { needsRoot } from '../../support/needs-root.ts'

const PLAIN: RuleNetwork = {
  id: 'c0ffee'.repeat(11).slice(0, 64),
  bridge: 'cb-c0ffeec0',
  group: 0xc0ffeec0,
  owner: '0123456789abcdef',
  subnets: ['172.18.0.0/16'],
  gateways: ['172.18.0.1'],
  internal: false,
  masquerade: true,
  obeysInput: false,
  icc: true,
}

const KINDS: Readonly<Record<string, RuleNetwork>> = {
  plain: PLAIN,
  six: { ...PLAIN, subnets: ['172.18.0.0/16', 'fd00::/64'], gateways: ['172.18.0.1', 'fd00::1'] },
  internal: { ...PLAIN, internal: true, masquerade: false },
  obedient: {
    ...PLAIN,
    subnets: ['172.18.0.0/16', 'fd00::/64'],
    gateways: ['172.18.0.1', 'fd00::1'],
    obeysInput: true,
  },
  apart: { ...PLAIN, icc: false, masquerade: false },
}

describe('tablesText', () => {
  for (const [kind, network] of Object.entries(KINDS)) {
    const text = tablesText(network, { obeysInput: network.obeysInput === true })

    it(`makes the rules of a network that is ${kind}, as they were read and found good`, () => {
      assertGolden(join(import.meta.dirname, 'golden', `${kind}.nft`), text)
    })

    it(`is what nft takes, for one that is ${kind}`, function () {
      needsRoot(this)
      const { status, stderr } = spawnSync('unshare', ['-n', 'nft', '-f', '-'], {
        input: text,
        encoding: 'utf8',
      })
      assert.equal(stderr, '')
      assert.equal(status, 0)
    })
  }
})
