import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'mocha'
import { openTestStore } from '../support/image-store.ts'
import { file, tarOf } from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

/** Three images: `app:1` and `app:2` with a label, and one that lost its name to `app:2`. */
async function stage() {
  const test = openTestStore(await scratchDirectory())
  const ids: string[] = []
  for (const [content, reference, label] of [
    ['a', 'app:1', 'v=1'],
    ['b', 'app:2', 'v=2'],
    ['c', 'app:2', 'v=3'],
  ] as const) {
    ids.push(
      await test.store.import(Readable.from([tarOf([file('f', content)])]), { reference, changes: [`LABEL ${label}`] }),
    )
    await new Promise((resolve) => setTimeout(resolve, 5)) // the order is that of their creation
  }
  const list = async (...filters: string[]) => (await test.store.list({ filters })).map(({ id }) => ids.indexOf(id))
  return { ...test, ids, list, [Symbol.dispose]: () => test.close() }
}

describe('images', () => {
  it('are listed newest first, with names, sizes, labels and users', async () => {
    using test = await stage()
    test.containers.set(test.ids[0] ?? '', [{ id: 'x', name: 'web', running: true }])
    const [newest, dangling, oldest] = await test.store.list()
    assert.deepEqual(
      [newest?.tags, dangling?.tags, oldest?.tags],
      [['docker.io/library/app:2'], [], ['docker.io/library/app:1']],
    )
    assert.deepEqual([newest?.labels, oldest?.containers, oldest?.sizeBytes], [{ v: '3' }, 1, 1])
  })

  it('are filtered as docker filters them', async () => {
    using test = await stage()
    assert.deepEqual(await test.list('dangling=true'), [1])
    assert.deepEqual(await test.list('dangling=false'), [2, 0])
    assert.deepEqual(await test.list('label=v=1'), [0])
    assert.deepEqual(await test.list('label=v', 'label!=v=1'), [2, 1])
    assert.deepEqual(await test.list('before=app:2'), [1, 0])
    assert.deepEqual(await test.list('since=app:1'), [2, 1])
    assert.deepEqual(await test.list('reference=app:*'), [2, 0])
    assert.deepEqual(await test.list('until=1h'), [])
    await assert.rejects(test.list('since=nothing'), { code: 'IMAGE_NOT_FOUND' })
  })

  it('are found by name, with or without a tag', async () => {
    using test = await stage()
    assert.equal((await test.store.list({ name: 'app' })).length, 2)
    assert.equal((await test.store.list({ name: 'app:1' })).length, 1)
    assert.equal((await test.store.list({ name: 'docker.io/library/app' })).length, 2)
    assert.equal((await test.store.list({ name: 'ap' })).length, 0)
  })

  it('are inspected by name, id, and the beginning of an id', async () => {
    using test = await stage()
    const id = test.ids[2] ?? ''
    for (const name of ['app:2', id, id.slice(7), id.slice(7, 19)])
      assert.equal((await test.store.inspect(name)).Id, id)
    const inspected = await test.store.inspect('app:2')
    assert.deepEqual([inspected.RepoTags, inspected.Os, inspected.Size], [['app:2'], 'linux', 1])
    await assert.rejects(test.store.inspect('nothing'), { message: 'No such image: nothing', status: 404 })
  })

  it('refuse a digest as a tag', async () => {
    using test = await stage()
    await assert.rejects(
      test.store.tag('app:1', `x@sha256:${'0'.repeat(64)}`),
      /refusing to create a tag with a digest reference/,
    )
    await assert.rejects(test.store.tag('app:1', 'Upper'), /must be lowercase/)
  })
})
