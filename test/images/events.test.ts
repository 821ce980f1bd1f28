import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import { readEvents } from '../../src/state/events.ts'
import { openTestStore } from '../support/image-store.ts'
import { file, tarOf } from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function stage() {
  const test = openTestStore(await scratchDirectory())
  const { database } = test.context
  let sequence = 0
  /** Since the last call. */
  const news = () => {
    const events = readEvents(database, sequence)
    sequence = events.at(-1)?.sequence ?? sequence
    return events.map(({ type, action, actor, attributes }) => [type, action, actor, attributes['name']])
  }
  const load = (reference?: string) =>
    test.store.import(Readable.from([tarOf([file('f', 'one')])]), {
      changes: ['LABEL team=blue'],
      ...(reference !== undefined && { reference }),
    })
  return { ...test, database, news, load, [Symbol.dispose]: () => test.close() }
}

describe('events of images', () => {
  it('tell names given and taken, by the id of the image', async () => {
    using test = await stage()
    const id = await test.load('a')
    assert.deepEqual(test.news(), [
      ['image', 'tag', id, 'a:latest'],
      ['image', 'import', id, id],
    ])
    await test.store.tag('a', 'registry.example/b:2')
    assert.deepEqual(test.news(), [['image', 'tag', id, 'registry.example/b:2']])
    await test.store.remove('a')
    await test.store.remove('registry.example/b:2')
    assert.deepEqual(test.news(), [
      ['image', 'untag', id, 'a:latest'],
      ['image', 'untag', id, 'registry.example/b:2'],
      ['image', 'delete', id, id],
    ])
  })

  it('tell of archives written and read', async () => {
    using test = await stage()
    const id = await test.load('a')
    test.news()
    const output = new PassThrough()
    const [archive] = await Promise.all([buffer(output), test.store.save(['a'], output).then(() => output.end())])
    await test.store.load(Readable.from([archive]))
    assert.deepEqual(test.news(), [
      ['image', 'save', id, 'a:latest'],
      ['image', 'load', id, 'a:latest'],
    ])
  })

  it('tell what was pruned, and how much it was', async () => {
    using test = await stage()
    const id = await test.load()
    test.news()
    await test.store.prune()
    assert.deepEqual(test.news(), [
      ['image', 'delete', id, id],
      ['image', 'prune', '', undefined],
    ])
    const last = readEvents(test.database, 0).at(-1)
    assert(Number(last?.attributes['reclaimed']) > 0)
  })

  it('carry the labels of the image', async () => {
    using test = await stage()
    await test.load('a')
    assert.equal(readEvents(test.database, 0)[0]?.attributes['team'], 'blue')
  })

  it('tell nothing of what has failed', async () => {
    using test = await stage()
    await test.load('a')
    test.news()
    await assert.rejects(test.store.tag('missing', 'b'))
    await assert.rejects(test.store.remove('missing'))
    assert.deepEqual(test.news(), [])
  })
})

describe('what images take on the disk', () => {
  it('counts a layer once that two images share, and says what is shared', async () => {
    using test = await stage()
    const base = await test.load('a:1')
    const layer = () => Readable.from([tarOf([file('g', 'x'.repeat(5000))])])
    await test.store.derive({ base, layer, config: {}, reference: 'b:1' })
    const used = await test.store.usage()
    const total = used.reduce((sum, { paidBytes }) => sum + paidBytes, 0)
    const derived = used.find(({ tags }) => tags[0]?.endsWith('b:1') === true)
    const below = used.find(({ id }) => id === base)
    assert(derived !== undefined && below !== undefined)
    assert.equal(total, derived.sizeBytes, 'all of the lower image is in the upper one')
    assert.equal(derived.sharedBytes, below.sizeBytes)
    assert.equal(below.sharedBytes, below.sizeBytes)
  })

  it('frees nothing that an image in use needs', async () => {
    using test = await stage()
    const base = await test.load('a:1')
    const layer = () => Readable.from([tarOf([file('g', 'x'.repeat(5000))])])
    const id = await test.store.derive({ base, layer, config: {}, reference: 'b:1' })
    test.containers.set(id, [{ id: 'c'.repeat(64), name: 'web', running: true }])
    const free = (await test.store.usage()).reduce((sum, { freeableBytes }) => sum + freeableBytes, 0)
    assert.equal(free, 0)
  })
})
