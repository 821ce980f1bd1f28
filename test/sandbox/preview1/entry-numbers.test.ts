import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { entryNumbers } from '../../../src/sandbox/preview1/entry-numbers.ts'
import { openHostDirectory } from '../../../src/sandbox/preview1/host-directory.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'

const SETTLED = { device: 1n, inode: 2n, changedNs: 5n }

describe('the numbers of entries', () => {
  it('are kept while a directory is the same and has not changed', () => {
    entryNumbers(SETTLED).set('name', 7n)
    assert.equal(entryNumbers({ ...SETTLED }).get('name'), 7n)
    assert.equal(entryNumbers({ ...SETTLED, inode: 3n }).get('name'), undefined)
    assert.equal(entryNumbers({ ...SETTLED, changedNs: 6n }).get('name'), undefined)
    assert.equal(entryNumbers({ ...SETTLED, changedNs: 6n }).get('..'), 2n)
  })

  it('are not kept of what changed just now, for it could change again at the same time of its clock', () => {
    const fresh = { device: 1n, inode: 9n, changedNs: BigInt(Date.now()) * 1_000_000n }
    entryNumbers(fresh).set('name', 7n)
    assert.equal(entryNumbers(fresh).get('name'), undefined)
  })

  it('are bounded', () => {
    for (let inode = 100n; inode < 130n; inode++) {
      const numbers = entryNumbers({ device: 1n, inode, changedNs: 5n })
      for (let entry = 0; entry < 1000; entry++) numbers.set(`${entry}`, 1n)
    }
    assert.equal(entryNumbers({ device: 1n, inode: 100n, changedNs: 5n }).has('0'), false)
    assert.equal(entryNumbers({ device: 1n, inode: 129n, changedNs: 5n }).has('0'), true)
  })

  it('are new when a file has taken the place of another', async () => {
    const root = await scratchDirectory()
    mkdirSync(join(root, 'd'))
    for (const name of ['one', 'two']) writeFileSync(join(root, 'd', name), name)
    const directory = openHostDirectory(join(root, 'd'))
    const number = () => {
      const numbers = directory.numbers()
      numbers.set('one', numbers.get('one') ?? directory.lookup('one').inode)
      return numbers
    }
    await until('the directory is settled', () => {
      const before = number()
      return number() === before
    })
    renameSync(join(root, 'd/two'), join(root, 'd/one'))
    assert.equal(number().get('one'), statSync(join(root, 'd/one'), { bigint: true }).ino)
    directory.close()
    rmSync(root, { recursive: true })
  })
})
