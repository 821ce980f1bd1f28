import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it } from 'mocha'
import { listBackends } from '../../../src/engine/system/backends.ts'
import { whyNotHere } from '../../../src/linux/runtime-quirks.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('the list of backends', () => {
  const { PATH } = process.env
  afterEach(() => {
    process.env['PATH'] = PATH
  })

  it('has ours first, and says that runc is not installed where it is not', () => {
    process.env['PATH'] = '/nowhere'
    const backends = listBackends()
    assert.deepEqual(
      backends.map(({ Name }) => Name),
      ['linux', 'wasi', 'oci:runc'],
    )
    assert.deepEqual(backends.at(-1), { Name: 'oci:runc', Works: false, Reason: 'not installed', Path: '' })
  })

  it('finds the runtimes on the PATH', async () => {
    const directory = await scratchDirectory()
    const path = join(directory, 'youki')
    writeFileSync(path, '')
    chmodSync(path, 0o755)
    process.env['PATH'] = directory
    const found = listBackends().find(({ Name }) => Name === 'oci:youki')
    const root = process.geteuid?.() === 0
    assert.deepEqual(found, { Name: 'oci:youki', Works: root, Reason: root ? '' : 'needs root', Path: path })
  })

  it('knows which runtimes refuse hosts with both versions of control groups', () => {
    const one = { version: 1, controllers: ['memory'], mount: '/m', self: '/' } as const
    const two = { version: 2, controllers: ['hugetlb'], mount: '/u', self: '/' } as const
    assert.match(whyNotHere('/usr/bin/crun', [one, two]) ?? '', /crun does not run/)
    assert.equal(whyNotHere('/usr/bin/crun', [one]), undefined)
    assert.equal(whyNotHere('/usr/bin/runc', [one, two]), undefined)
  })
})
