import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { before, describe, it } from 'mocha'
import { parseNetRules } from '../../../src/network/names/parse.ts'
import { chooseResolverPort, resolverRules } from '../../../src/network/names/rules.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { NFT } from './room.ts'

/** What nft has to say about rules, in a network of its own. */
function check(text: string): string {
  const { stdout, stderr, status } = spawnSync('unshare', ['-n', 'sh', '-c', `${NFT} -f - && ${NFT} list ruleset`], {
    input: text,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return stdout
}

describe('resolverRules', () => {
  before(function () {
    needsRoot(this)
  })

  it('are rules that nft takes, twice, for all kinds of lists', () => {
    const lists = [
      '*',
      'a.example,b.example:443',
      '10.0.0.0/8,10.1.0.0/16,10.0.0.0/8,192.0.2.1,10.1.2.3/8',
      'fd00::/8,[fd00::1],[fd00::1]:443/udp',
      '0.0.0.0/0,[::]:80,[::/0]',
      '10.0.0.0/8:443,10.0.0.0/8:53/udp',
    ]
    for (const allow of lists) {
      for (const deny of lists) {
        const text = resolverRules(61_000, { allow: parseNetRules(allow), deny: parseNetRules(deny) })
        assert.match(check(text + text), /chain leaving/)
      }
    }
  })

  it('without a list only lead to the responder', () => {
    const rules = check(resolverRules(61_000))
    assert.match(rules, /udp dport 53 dnat ip to 127\.0\.0\.11:61000/)
    assert.doesNotMatch(rules, /reject|drop/)
  })

  it('have a port that the kernel gives to nobody by itself', () => {
    fc.assert(
      fc.property(fc.constant(0), () => {
        const port = chooseResolverPort()
        assert(port > 60_999 && port < 65_536)
      }),
    )
  })
})
