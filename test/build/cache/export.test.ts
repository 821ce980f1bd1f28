import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { exportCaches } from '../../../src/build/cache/export.ts'
import { parseCacheTo } from '../../../src/build/cache/parse-flags.ts'
import { UsedSteps } from '../../../src/build/cache/used-steps.ts'
import { openProgress } from '../../../src/build/progress.ts'
import { openBuildStore } from '../../../src/images/building.ts'
import type { ImageContext } from '../../../src/images/context.ts'
import { openTestStore } from '../../support/image-store.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('exportCaches', () => {
  it('keeps in a directory what builds write there at the same time', async () => {
    const root = await scratchDirectory()
    const tags = ['one', 'two', 'three']
    const written = tags.map(async (tag) => {
      const test = openTestStore(root)
      const { database } = test.context
      const options = { database, progress: openProgress(() => {}), used: new UsedSteps(), images: [], sources: [] }
      const { signal } = new AbortController()
      try {
        using store = openBuildStore(test.context as ImageContext)
        await exportCaches(parseCacheTo([`type=local,dest=${root}/cache,tag=${tag}`]), { ...options, store, signal })
      } finally {
        test.close()
      }
    })
    await Promise.all(written)
    const { manifests } = JSON.parse(readFileSync(join(root, 'cache/index.json'), 'utf8')) as {
      manifests: { annotations: Record<string, string> }[]
    }
    assert.deepEqual(manifests.flatMap(({ annotations }) => Object.values(annotations)).toSorted(), tags.toSorted())
  })
})
