import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it } from 'mocha'
import { startTestRegistry } from '../support/image-registry.ts'
import { openTestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('pull on a full disk', () => {
  const mounted: string[] = []
  afterEach(() => {
    for (const path of mounted.splice(0)) execFileSync('umount', [path])
  })

  it('says which path lacks how much, keeps the database sound, and goes on when there is room', async function () {
    if (process.geteuid?.() !== 0) {
      console.log('skipped: mounting a tmpfs needs root')
      this.skip()
    }
    const root = await scratchDirectory()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', root])
    mounted.push(root)
    const registry = await startTestRegistry()
    const size = 4_000_000
    await make.pushMade(make.makeImage({ layers: [[make.file('large', randomBytes(size))]] }), `${registry.host}/app:1`)
    const { store, close } = openTestStore(root)
    try {
      await assert.rejects(store.pull(`${registry.host}/app:1`), (error: Error & { code: string }) => {
        assert.equal(error.code, 'STORE_FULL', String(error))
        assert.match(
          error.message,
          new RegExp(`no space left on the device of ${root}/.*: at least \\d+ more bytes are needed`),
        )
        return true
      })
      assert.deepEqual(await store.list(), [])
      execFileSync('mount', ['-o', 'remount,size=30m', root])
      registry.sentBytes = 0
      await store.pull(`${registry.host}/app:1`)
      assert(registry.sentBytes < size, 'what fitted was kept')
      assert.deepEqual(readdirSync(join(root, 'blobs/partial')), [])
    } finally {
      close()
    }
  })

  it('says so as well when only the unpacked files do not fit, and leaves none of them', async function () {
    if (process.geteuid?.() !== 0) {
      console.log('skipped: mounting a tmpfs needs root')
      this.skip()
    }
    const root = await scratchDirectory()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', root])
    mounted.push(root)
    const registry = await startTestRegistry()
    const layer = [make.file('large', 'some words, '.repeat(2_000_000))]
    await make.pushMade(make.makeImage({ layers: [layer] }), `${registry.host}/app:1`)
    const { store, close } = openTestStore(root)
    try {
      await assert.rejects(store.pull(`${registry.host}/app:1`), { code: 'STORE_FULL' })
      assert.deepEqual(readdirSync(join(root, 'snapshots')), [])
    } finally {
      close()
    }
  })
})
