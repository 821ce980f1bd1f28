import assert from 'node:assert/strict'
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { cacheUsage, pruneCaches } from '../../../src/engine/system/caches.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('caches', () => {
  it('are counted in all directories, and there may be none', async () => {
    const root = await scratchDirectory()
    const paths = { root, run: root }
    assert.deepEqual(cacheUsage(paths), { files: 0, sizeBytes: 0 })
    mkdirSync(join(root, 'cache/components'), { recursive: true })
    writeFileSync(join(root, 'cache/components/one'), '12345')
    writeFileSync(join(root, 'cache/two'), '123')
    assert.deepEqual(cacheUsage(paths), { files: 2, sizeBytes: 8 })
  })

  it('are emptied but for what was used in the last minute', async () => {
    const root = await scratchDirectory()
    mkdirSync(join(root, 'cache/components'), { recursive: true })
    const [old, used] = ['old', 'used'].map((name) => join(root, 'cache/components', name))
    assert(old !== undefined && used !== undefined)
    for (const path of [old, used]) writeFileSync(path, '12345')
    utimesSync(old, 1, 1)
    assert.equal(pruneCaches({ root, run: root }), 5)
    assert.deepEqual([existsSync(old), existsSync(used)], [false, true])
  })
})
