import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { describe, it } from 'mocha'
import { blobPath, listBlobs } from '../../src/images/blobs.ts'
import { checkedLevel } from '../../src/images/compress-layer.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { startTestRegistry } from '../support/image-registry.ts'
import { openTestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function stage() {
  const registry = await startTestRegistry()
  const test = openTestStore(await scratchDirectory())
  const tar = make.tarOf([make.file('words', 'the same again and again '.repeat(10_000))])
  const id = await test.store.import(Readable.from([tar]), { reference: `${registry.host}/app:1` })
  return { registry, tar, id, ...test, [Symbol.dispose]: () => test.close() }
}

interface SentManifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[]
}

async function manifestOf(host: string, name: string): Promise<SentManifest> {
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' }
  return (await (
    await fetch(`http://${host}/v2/${name.replace(':', '/manifests/')}`, { headers })
  ).json()) as SentManifest
}

describe('an image that was made here', () => {
  it('is sent with its layers compressed, and keeps its id', async () => {
    using test = await stage()
    const { host } = test.registry
    await test.store.push(`${host}/app:1`)
    const { config, layers } = await manifestOf(host, 'app:1')
    assert.equal(config.digest, test.id)
    const [layer, ...more] = layers
    assert(layer !== undefined && more.length === 0)
    assert.equal(layer.mediaType, 'application/vnd.oci.image.layer.v1.tar+gzip')
    assert(layer.size < test.tar.length / 50)
    const blob = Buffer.from(await (await fetch(`http://${host}/v2/app/blobs/${layer.digest}`)).arrayBuffer())
    assert.equal(digestOf(gunzipSync(blob)), digestOf(test.tar))
    const { Id, RootFS } = await test.store.inspect(`${host}/app:1`)
    assert.deepEqual([Id, RootFS.Layers], [test.id, [digestOf(test.tar)]])
  })

  it('is compressed once, and sent once', async () => {
    using test = await stage()
    const { host } = test.registry
    const [first] = await test.store.push(`${host}/app:1`)
    test.registry.requests.length = 0
    const phases = new Set<string>()
    const [second] = await test.store.push(`${host}/app:1`, { onProgress: ({ phase }) => phases.add(phase) })
    assert.equal(second?.digest, first?.digest)
    assert(!phases.has('pushing') && !phases.has('pushed'), [...phases].join())
    assert(!test.registry.requests.some((line) => line.startsWith('POST')), test.registry.requests.join('\n'))
    await test.store.tag(`${host}/app:1`, `${host}/other:1`)
    const [other] = await test.store.push(`${host}/other:1`)
    assert.equal(other?.digest, first?.digest)
  })

  it('has the same layer wherever it is made', async () => {
    using one = await stage()
    using two = await stage()
    const layers = []
    for (const { registry, store } of [one, two]) {
      await store.push(`${registry.host}/app:1`)
      layers.push((await manifestOf(registry.host, 'app:1')).layers)
    }
    assert.deepEqual(layers[0], layers[1])
  })

  it('takes the space of its content once', async () => {
    using test = await stage()
    const { host } = test.registry
    assert(listBlobs(test.context.paths).includes(digestOf(test.tar)))
    await test.store.push(`${host}/app:1`)
    await test.store.prune()
    assert(!listBlobs(test.context.paths).includes(digestOf(test.tar)))
    const { findings } = await test.store.check({ quick: false, repair: false })
    assert.deepEqual(findings, [])
    await test.store.remove(`${host}/app:1`)
    assert.deepEqual(listBlobs(test.context.paths), [])
    assert.deepEqual(test.context.database.prepare('SELECT * FROM compressed_layers').all(), [])
  })

  it('is compressed once by pushes at the same time', async () => {
    using test = await stage()
    const { host } = test.registry
    const names = ['one', 'two', 'three'].map((name) => `${host}/${name}:1`)
    for (const name of names) await test.store.tag(test.id, name)
    const results = await Promise.all(names.map((name) => test.store.push(name)))
    assert.equal(new Set(results.map(([result]) => result?.digest)).size, 1)
    assert.equal(test.context.database.prepare('SELECT * FROM compressed_layers').all().length, 1)
  })

  it('is not sent when it has been damaged here', async () => {
    using test = await stage()
    const { host } = test.registry
    const damaged = Buffer.from(test.tar)
    damaged[3000] = (damaged[3000] ?? 0) ^ 1
    writeFileSync(blobPath(test.context.paths, digestOf(test.tar)), damaged)
    await assert.rejects(test.store.push(`${host}/app:1`), { code: 'BLOB_MISMATCH' })
    assert(!test.registry.requests.some((line) => line.startsWith('PUT')), test.registry.requests.join('\n'))
  })

  it('shares what was compressed with an image above it', async () => {
    using test = await stage()
    const { host } = test.registry
    const layer = () => Readable.from([make.tarOf([make.file('more')])])
    await test.store.derive({ base: test.id, layer, config: {}, reference: `${host}/derived:1` })
    await test.store.push(`${host}/app:1`)
    await test.store.push(`${host}/derived:1`)
    const [base] = (await manifestOf(host, 'app:1')).layers
    const derived = (await manifestOf(host, 'derived:1')).layers
    assert.deepEqual(derived[0], base)
    assert.equal(derived.length, 2)
  })
})

describe('an image that was pulled', () => {
  it('is sent as it came, though its layers are plain', async () => {
    using test = await stage()
    const { host } = test.registry
    const image = make.makeImage({ layers: [[make.file('a')]], compression: 'none' })
    const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
    const index = make.makeIndex([{ image, platform }])
    for (const [name, made] of [
      ['single', image],
      ['index', index],
    ] as const) {
      await make.pushMade(made, `${host}/${name}:1`)
      await test.store.pull(`${host}/${name}:1`)
      await test.store.tag(`${host}/${name}:1`, `${host}/copy-of-${name}:1`)
      const [pushed] = await test.store.push(`${host}/copy-of-${name}:1`)
      assert.equal(pushed?.digest, made.descriptor.digest)
      await test.store.remove(image.id, { force: true })
    }
  })
})

describe('the level of a compression', () => {
  it('is what the compression has, or refused', () => {
    assert.equal(checkedLevel({ compression: 'gzip' }), 6)
    assert.equal(checkedLevel({ compression: 'zstd', level: 19 }), 19)
    for (const level of [-1, 10, 1.5, Number.NaN])
      assert.throws(() => checkedLevel({ compression: 'gzip', level }), /invalid compression level/)
  })
})
