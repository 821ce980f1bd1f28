import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'
import { partialPath } from '../../src/images/blobs.ts'
import type { TransferProgress } from '../../src/images/types.ts'
import { startTestRegistry, type TestRegistry } from '../support/image-registry.ts'
import { openTestStore, type TestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

const child = join(import.meta.dirname, '../support/pull-child.ts')
const blobGets = (registry: TestRegistry) => registry.requests.filter((line) => /^GET .*\/blobs\//.test(line))
const names = (path: string) => readdirSync(path).toSorted()

/** A registry, a store, and an image of three layers, one of them large and incompressible. */
async function stage(compression: 'gzip' | 'none' = 'gzip') {
  const registry = await startTestRegistry()
  const root = await scratchDirectory()
  const large = randomBytes(3_000_000)
  const layers = [[make.file('large', large)], [make.file('a', 'A')], [make.file('b', 'B')]]
  const image = make.makeImage({ layers, compression, annotations: { note: 'x' } })
  const name = `${registry.host}/app:1`
  await make.pushMade(image, name)
  registry.requests.length = 0
  return { registry, root, image, name, large, ...openTestStore(root) }
}

function closing(test: { close(): void }) {
  return { [Symbol.dispose]: () => test.close() }
}

describe('pull', () => {
  it('stores, unpacks and names an image, and a second time asks only for its digest', async () => {
    const test = await stage()
    using _ = closing(test)
    const events: TransferProgress[] = []
    const lines: string[] = []
    const result = await test.store.pull(test.name, {
      onProgress: (event) => events.push(event),
      onMessage: (line) => lines.push(line),
    })

    assert.deepEqual(lines, ['1: Pulling from app'])
    assert.deepEqual([result.id, result.digest, result.upToDate], [test.image.id, test.image.descriptor.digest, false])
    assert.equal(events.filter((event) => event.phase === 'pulled').length, 3)
    const prepared = await test.store.prepare(test.name)
    assert.equal(prepared.annotations['note'], 'x')
    assert(prepared.content.kind === 'layers')
    const [top = '', middle = '', lowest = ''] = prepared.content.lower
    assert.equal(readFileSync(join(top, 'b'), 'utf8'), 'B')
    assert.equal(readFileSync(join(middle, 'a'), 'utf8'), 'A')
    assert.deepEqual(readFileSync(join(lowest, 'large')), test.large)

    test.registry.requests.length = 0
    assert.equal((await test.store.pull(test.name)).upToDate, true)
    assert.deepEqual(test.registry.requests, ['HEAD /v2/app/manifests/1'])
    assert.equal((await test.store.list())[0]?.tags[0], test.name)
  })

  it("understands docker's formats, zstd and plain layers", async () => {
    const registry = await startTestRegistry()
    using test = opened(await scratchDirectory())
    for (const [format, compression] of [
      ['docker', 'gzip'],
      ['docker', 'none'],
      ['oci', 'zstd'],
      ['oci', 'none'],
    ] as const) {
      const name = `${registry.host}/${format}:${compression}`
      await make.pushMade(
        make.makeImage({ layers: [[make.file('f', `${format} ${compression}`)]], format, compression }),
        name,
      )
      await test.store.pull(name)
      const { content } = await test.store.prepare(name)
      assert(content.kind === 'layers')
      assert.equal(readFileSync(join(content.lower[0] ?? '', 'f'), 'utf8'), `${format} ${compression}`)
    }
  })

  it('chooses by platform, and lists what there is when nothing suits', async () => {
    const registry = await startTestRegistry()
    using test = opened(await scratchDirectory())
    const of = (os: string, architecture: string) => ({
      platform: { os, architecture },
      image: make.makeImage({ layers: [[make.file(architecture)]], platform: { os, architecture } }),
    })
    const entries = [of('linux', 's390x'), of('linux', 'amd64'), of('linux', 'arm64'), of('wasi', 'wasm')]
    const name = `${registry.host}/multi:1`
    const index = make.makeIndex(entries)
    await make.pushMade(index, name)

    const wasm = await test.store.pull(name, { platform: 'wasip1/wasm32' })
    assert.deepEqual([wasm.id, wasm.digest], [entries[3]?.image.id, index.descriptor.digest])
    const s390x = await test.store.pull(name, { platform: 'linux/s390x' })
    assert.equal(s390x.id, entries[0]?.image.id)
    await assert.rejects(test.store.prepare(name, { platform: 'linux/arm64' }), /wanted linux\/arm64, actual/)
    // The tag stands for the index: both that were pulled have it, and lose it together.
    for (const [platform, id] of [
      ['wasi/wasm', wasm.id],
      ['linux/s390x', s390x.id],
    ] as const)
      assert.equal((await test.store.prepare(name, { platform })).id, id)
    assert.deepEqual((await test.store.remove(name)).deleted.slice(0, 2).toSorted(), [wasm.id, s390x.id].toSorted())
    assert.deepEqual(await test.store.list(), [])
    await assert.rejects(test.store.pull(name, { platform: 'linux/mips' }), (error: { code: string; hint: string }) => {
      assert.equal(error.code, 'PLATFORM_MISSING')
      assert.match(error.hint, /linux\/s390x, linux\/amd64, linux\/arm64, wasi\/wasm/)
      return true
    })
  })

  it('takes an image for another platform when that is all there is, and knows it again', async () => {
    const registry = await startTestRegistry()
    using test = opened(await scratchDirectory())
    const platform = { os: 'linux', architecture: 's390x' }
    await make.pushMade(make.makeImage({ layers: [[make.file('a')]], platform }), `${registry.host}/app:1`)
    assert.equal((await test.store.pull(`${registry.host}/app:1`)).upToDate, false)
    assert.equal((await test.store.pull(`${registry.host}/app:1`)).upToDate, true)
    await assert.rejects(test.store.pull(`${registry.host}/app:1`, { platform: 'linux/amd64' }), {
      code: 'IMAGE_NOT_FOUND',
    })
  })

  it('by digest gives no tag', async () => {
    const test = await stage()
    using _ = closing(test)
    const name = `${test.name}@${test.image.descriptor.digest}`
    await test.store.pull(name)
    const [image] = await test.store.list({ filters: ['dangling=true'] })
    assert.deepEqual([image?.tags, image?.digests], [[], [name.replace(':1@', '@')]])
    assert.equal((await test.store.prepare(name)).id, test.image.id)
  })

  it('keeps the module of a WASM artifact as it is', async () => {
    const registry = await startTestRegistry()
    using test = opened(await scratchDirectory())
    const module = Buffer.from([0, 97, 115, 109, 1, 0, 0, 0])
    await make.pushMade(make.makeWasmArtifact(module), `${registry.host}/tools/hello:1`)
    await test.store.pull(`${registry.host}/tools/hello:1`)
    const prepared = await test.store.prepare(`${registry.host}/tools/hello:1`)
    assert.deepEqual(prepared.platform, { os: 'wasi', architecture: 'wasm' })
    assert(prepared.content.kind === 'module')
    assert.deepEqual(readFileSync(prepared.content.path), module)
  })

  it('keeps other artifacts, and says that they cannot be run', async () => {
    const registry = await startTestRegistry()
    using test = opened(await scratchDirectory())
    const config = make.blob('application/vnd.oci.empty.v1+json', Buffer.from('{}'))
    const artifact = make.makeManifest({ config, layers: [make.blob('text/plain', Buffer.from('hello'))] })
    await make.pushMade(artifact, `${registry.host}/notes:1`)
    await test.store.pull(`${registry.host}/notes:1`)
    assert.equal((await test.store.inspect(`${registry.host}/notes:1`)).Size, 5)
    await assert.rejects(test.store.prepare(`${registry.host}/notes:1`), /is an artifact of type/)
  })

  it('names the blob that does not match, and leaves nothing behind', async () => {
    const test = await stage('none')
    using _ = closing(test)
    const layer = test.image.blobs.find((one) => one.bytes.length > 1_000_000)
    assert(layer)
    const path = join(
      test.registry.dataPath,
      'docker/registry/v2/blobs/sha256',
      layer.descriptor.digest.slice(7, 9),
      layer.descriptor.digest.slice(7),
      'data',
    )
    writeFileSync(path, Buffer.concat([layer.bytes.subarray(0, -1), Buffer.from('!')]))

    await assert.rejects(test.store.pull(test.name), (error: Error) => error.message.includes(layer.descriptor.digest))
    assert.deepEqual(await test.store.list(), [])
    assert.deepEqual(names(join(test.root, 'blobs/partial')), [])
    assert(!names(join(test.root, 'blobs/sha256')).includes(layer.descriptor.digest.slice(7)))
    await test.store.prune()
    assert.deepEqual(names(join(test.root, 'blobs/sha256')), [])
    assert.deepEqual(names(join(test.root, 'snapshots')), [])
  })

  it('goes on where a broken connection stopped, in a later command', async () => {
    const test = await stage()
    using _ = closing(test)
    test.registry.cutAfterBytes = 1_000_000
    await assert.rejects(test.store.pull(test.name))
    const large = test.image.blobs.find((one) => one.bytes.length > 1_000_000)
    assert(large)
    const kept = (await stat(partialPath(test.context.paths, large.descriptor.digest))).size
    assert(kept > 0 && kept <= 1_000_000, String(kept))

    test.registry.cutAfterBytes = undefined
    test.registry.sentBytes = 0
    await test.store.pull(test.name)
    assert(test.registry.sentBytes < large.bytes.length, `${test.registry.sentBytes} bytes were sent again`)
    assert.deepEqual(names(join(test.root, 'blobs/partial')), [])
  })

  it('recovers from a partial file that was damaged', async () => {
    const test = await stage()
    using _ = closing(test)
    const large = test.image.blobs.find((one) => one.bytes.length > 1_000_000)
    assert(large)
    writeFileSync(partialPath(test.context.paths, large.descriptor.digest), Buffer.alloc(500_000))
    await test.store.pull(test.name)
    assert.equal((await test.store.prepare(test.name)).id, test.image.id)
  })

  it('killed with -9 half way is finished by the next command', async () => {
    const test = await stage()
    using _ = closing(test)
    test.registry.stallAfterBytes = 1_500_000
    const pulling = spawn(process.execPath, [child, test.root, test.name], { stdio: 'ignore' })
    await test.registry.stalled()
    pulling.kill('SIGKILL')
    await once(pulling, 'exit')
    assert.deepEqual(await test.store.list(), [])
    assert.notDeepEqual(names(join(test.root, 'blobs/partial')), [])

    test.registry.stallAfterBytes = undefined
    await test.store.pull(test.name)
    const { content } = await test.store.prepare(test.name)
    assert(content.kind === 'layers')
    assert.deepEqual(readFileSync(join(content.lower.at(-1) ?? '', 'large')), test.large)
  })

  it('in two processes at once downloads each blob once', async () => {
    const test = await stage()
    using _ = closing(test)
    const run = promisify(execFile)
    const results = await Promise.all([1, 2].map(() => run(process.execPath, [child, test.root, test.name])))
    const ids = results.map(({ stdout }) => JSON.parse(stdout).id)
    assert.deepEqual(ids, [test.image.id, test.image.id])
    const gets = blobGets(test.registry)
    assert.equal(gets.length, 4, gets.join('\n'))
    assert.equal(new Set(gets).size, 4)
  })

  it('of all tags gives each its image', async () => {
    const registry = await startTestRegistry()
    using test = opened(await scratchDirectory())
    for (const tag of ['1', '2'])
      await make.pushMade(make.makeImage({ layers: [[make.file(tag)]] }), `${registry.host}/app:${tag}`)
    await test.store.pull(`${registry.host}/app`, { allTags: true })
    const tags = (await test.store.list()).flatMap((image) => image.tags).toSorted()
    assert.deepEqual(tags, [`${registry.host}/app:1`, `${registry.host}/app:2`])
  })

  it('repairs an image whose files somebody removed', async () => {
    const test = await stage()
    using _ = closing(test)
    await test.store.pull(test.name)
    const before = await test.store.prepare(test.name)
    assert(before.content.kind === 'layers')
    const { rmSync } = await import('node:fs')
    rmSync(before.content.lower[0] ?? '', { recursive: true })
    rmSync(join(test.root, 'blobs/sha256', (test.image.blobs.at(-2)?.descriptor.digest ?? '').slice(7)))
    await test.store.pull(test.name)
    assert(readFileSync(join(before.content.lower[0] ?? '', 'b'), 'utf8') === 'B')
  })
})

function opened(root: string): TestStore & Disposable {
  const test = openTestStore(root)
  return { ...test, [Symbol.dispose]: () => test.close() }
}
