import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'mocha'
import { openLease } from '../../src/images/leases.ts'
import { openTestStore } from '../support/image-store.ts'
import { file, tarOf } from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

/** A store with one image of one layer, named `a:1`. */
async function stage() {
  const root = await scratchDirectory()
  const test = openTestStore(root)
  const load = (content: string, reference: string, changes: string[] = []) =>
    test.store.import(Readable.from([tarOf([file('f', content)])]), { reference, changes })
  const id = await load('one', 'a:1')
  const content = () => ['blobs/sha256', 'snapshots', 'blobs/partial'].flatMap((name) => readdirSync(join(root, name)))
  const use = (running: boolean) => test.containers.set(id, [{ id: 'c'.repeat(64), name: 'web', running }])
  return { ...test, id, load, content, use, [Symbol.dispose]: () => test.close() }
}

describe('rmi', () => {
  it('takes a name away, and the image with the last one', async () => {
    using test = await stage()
    await test.store.tag('a:1', 'b:2')
    assert.deepEqual(await test.store.remove('a:1'), { untagged: ['a:1'], deleted: [] })
    const { untagged, deleted } = await test.store.remove('b:2')
    assert.deepEqual(untagged, ['b:2'])
    assert.equal(deleted[0], test.id)
    assert.deepEqual(test.content(), [])
    await assert.rejects(test.store.remove('b:2'), { message: 'No such image: b:2', code: 'IMAGE_NOT_FOUND' })
  })

  it('by id wants force when there are several names', async () => {
    using test = await stage()
    await test.store.tag('a:1', 'b:2')
    const short = test.id.slice(7, 19)
    const message = `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`
    await assert.rejects(test.store.remove(short), { message })
    assert.deepEqual((await test.store.remove(short, { force: true })).untagged, ['a:1', 'b:2'])
    assert.deepEqual(test.content(), [])
  })

  it('refuses the last name of an image that a stopped container uses, unless forced', async () => {
    using test = await stage()
    test.use(false)
    const container = 'c'.repeat(12)
    const short = test.id.slice(7, 19)
    await assert.rejects(test.store.remove('a:1'), {
      message: `conflict: unable to remove repository reference "a:1" (must force) - container ${container} is using its referenced image ${short}`,
    })
    await assert.rejects(test.store.remove(short), {
      message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${container}`,
    })
    assert.deepEqual((await test.store.remove('a:1', { force: true })).untagged, ['a:1'])
    assert.deepEqual(await test.store.list(), [])
    assert.equal((await test.store.prepare(test.id)).id, test.id, 'the container can still be started')

    test.containers.clear()
    await test.store.prune()
    assert.notDeepEqual(test.content(), [], 'this process has just prepared it')
    test.context.database.exec("DELETE FROM leases WHERE kind = 'image'")
    await test.store.prune()
    assert.deepEqual(test.content(), [])
  })

  it('never deletes the image of a running container', async () => {
    using test = await stage()
    test.use(true)
    const short = test.id.slice(7, 19)
    await assert.rejects(
      test.store.remove(short, { force: true }),
      /cannot be forced\) - image is being used by running/,
    )
    assert.deepEqual(await test.store.remove('a:1', { force: true }), { untagged: ['a:1'], deleted: [] })
    assert.equal((await test.store.list())[0]?.id, test.id)
  })

  it('refuses the beginning of an id that several images share', async () => {
    using test = await stage()
    const ids = [test.id]
    for (let count = 0; count < 16; count++) ids.push(await test.load(`${count}`, `many:${count}`))
    const first = ids.map((id) => id.slice(7, 8))
    const shared = first.find((digit, index) => first.indexOf(digit) !== index)
    assert(shared, '17 ids begin with 16 digits')
    await assert.rejects(test.store.remove(shared), /multiple IDs found with provided prefix/)
  })
})

describe('image prune', () => {
  it('removes what has no tag, and with `all` what no container uses', async () => {
    using test = await stage()
    const dangling = test.id
    const second = await test.load('two', 'a:1')
    const third = await test.load('three', 'b:1')
    test.containers.set(second, [{ id: 'c', name: 'web', running: false }])
    const pruned = await test.store.prune()
    assert(pruned.deleted.includes(dangling) && pruned.reclaimedBytes > 0)
    const all = await test.store.prune({ all: true })
    assert.deepEqual(all.untagged, ['b:1'])
    assert(all.deleted.includes(third))
    assert.deepEqual(
      (await test.store.list()).map((image) => image.id),
      [second],
    )
  })

  it('obeys label and until', async () => {
    using test = await stage()
    await test.load('two', 'keep:1', ['LABEL keep=yes'])
    await test.store.prune({ all: true, filters: ['until=24h'] })
    assert.equal((await test.store.list()).length, 2)
    await test.store.prune({ all: true, filters: ['label!=keep'] })
    assert.deepEqual(
      (await test.store.list()).map((image) => image.tags[0]),
      ['docker.io/library/keep:1'],
    )
  })
})

describe('collection', () => {
  it('leaves leased content alone, and takes it when the lease ends', async () => {
    using test = await stage()
    const blobs = test.content()
    const [layer] = (await test.store.inspect('a:1')).RootFS.Layers
    const lease = openLease(test.context.database)
    lease.add(
      'blob',
      blobs.map((name) => `sha256:${name}`),
    )
    lease.add('snapshot', [layer ?? ''])
    const { deleted } = await test.store.remove('a:1')
    assert.deepEqual(deleted, [test.id])
    assert.deepEqual(test.content(), blobs)
    lease.release()
    await test.store.prune()
    assert.deepEqual(test.content(), [])
  })

  it('forgets the leases of processes that died', async () => {
    using test = await stage()
    const [blob] = test.content()
    test.context.database.prepare("INSERT INTO leases VALUES ('x', 'blob', ?, 4194304, 1, 0)").run(`sha256:${blob}`)
    await test.store.remove('a:1')
    assert.deepEqual(test.content(), [])
  })
})
