import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { startTestRegistry } from '../support/image-registry.ts'
import { openTestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('pull beside collection', () => {
  it('loses nothing to removals and prunes of another process that run all the time', async () => {
    const registry = await startTestRegistry()
    const root = await scratchDirectory()
    const shared = [make.file('shared', 'shared content')]
    const tags = ['1', '2', '3', '4', '5', '6']
    for (const tag of tags) {
      await make.pushMade(
        make.makeImage({ layers: [shared, [make.file(`own-${tag}`, tag)]] }),
        `${registry.host}/app:${tag}`,
      )
    }
    const puller = openTestStore(root)
    const sweeper = openTestStore(root)
    let pulling = true
    const sweep = async () => {
      while (pulling) {
        await sweeper.store.prune()
        await new Promise(setImmediate)
      }
    }
    const sweeping = sweep()
    try {
      for (let round = 0; round < 5; round++) {
        await Promise.all(tags.map((tag) => puller.store.pull(`${registry.host}/app:${tag}`)))
        for (const tag of tags) {
          const { content } = await puller.store.prepare(`${registry.host}/app:${tag}`)
          assert(content.kind === 'layers')
          const [own = '', base = ''] = content.lower
          assert.equal(readFileSync(join(own, `own-${tag}`), 'utf8'), tag)
          assert.equal(readFileSync(join(base, 'shared'), 'utf8'), 'shared content')
        }
        puller.context.database.exec("DELETE FROM leases WHERE kind = 'image'")
        for (const tag of tags) await sweeper.store.remove(`${registry.host}/app:${tag}`)
        assert.deepEqual(await puller.store.list(), [])
      }
    } finally {
      pulling = false
      await sweeping
      puller.close()
      sweeper.close()
    }
  })
})
