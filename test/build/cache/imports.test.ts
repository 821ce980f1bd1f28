import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, it } from 'mocha'
import { CACHE_CONFIG } from '../../../src/build/cache/document.ts'
import { openImports } from '../../../src/build/cache/imports.ts'
import { openProgress } from '../../../src/build/progress.ts'
import { openBuildStore } from '../../../src/images/building.ts'
import type { ImageContext } from '../../../src/images/context.ts'
import { BlobMismatch } from '../../../src/images/errors.ts'
import { openSnapshots } from '../../../src/images/layers/snapshots.ts'
import { unpackLayer } from '../../../src/images/layers/unpack.ts'
import { makeManifest } from '../../../src/images/load-docker.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { OCI_LAYER_GZIP } from '../../../src/oci/media-types.ts'
import { openTestStore } from '../../support/image-store.ts'
import { tarOf } from '../../support/images.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const KEY = 'a'.repeat(64)

/** A directory whose cache says of one step that its layer is this file, with whatever digest it claims. */
async function poisoned(claimed: string | undefined): Promise<{ directory: string; tar: Buffer }> {
  const directory = await scratchDirectory()
  const blobs = join(directory, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const put = (bytes: Buffer, mediaType: string) => {
    const digest = digestOf(bytes)
    writeFileSync(join(blobs, digest.slice(7)), bytes)
    return { mediaType, digest, size: bytes.byteLength }
  }
  const tar = tarOf([{ path: 'f', content: 'from elsewhere' }])
  const layer = put(gzipSync(tar), OCI_LAYER_GZIP)
  const document = { version: 1, steps: [{ keys: [KEY], layer: 0, created: 5 }], layers: [claimed ?? digestOf(tar)] }
  const config = put(Buffer.from(JSON.stringify(document)), CACHE_CONFIG)
  const manifest = makeManifest(config, [layer])
  put(manifest.bytes, '')
  const index = { schemaVersion: 2, manifests: [manifest.descriptor] }
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index))
  return { directory, tar }
}

async function opened() {
  const test = openTestStore(await scratchDirectory())
  const context = { ...test.context, snapshots: openSnapshots(test.context.paths), unpack: unpackLayer } as ImageContext
  const store = openBuildStore(context)
  const find = async (src: string) => {
    const options = { store, platforms: [], progress: openProgress(() => {}), signal: new AbortController().signal }
    return openImports([{ type: 'local', src, tag: 'latest', digest: undefined }], options)
  }
  return { store, find, [Symbol.dispose]: () => test.close() }
}

describe('openImports', () => {
  it('gives a step its layer on those that it stands on here, and fetches it when it is looked into', async () => {
    using test = await opened()
    const { directory, tar } = await poisoned(undefined)
    const imports = await test.find(directory)
    const below = await test.store.add({
      below: [],
      tar: (async function* () {
        yield tarOf([{ path: 'base', content: 'base' }])
      })(),
      directory: undefined,
      counts: () => ({ sizeBytes: 4, fileCount: 1, entries: 1 }),
    })
    assert(below !== undefined)
    const found = imports.find(KEY, [below])
    assert.deepEqual([found?.createdAtMs, found?.layers[0]], [5, below])
    assert.equal(found?.layers[1]?.diffID, digestOf(tar))
    assert.equal((await test.store.remote.away(found?.layers ?? [])).length, 1)
    assert.equal((await test.store.directories(found?.layers ?? [])).length, 2)
    assert.equal((await test.store.remote.away(found?.layers ?? [])).length, 0)
    assert.equal(imports.find('b'.repeat(64), []), undefined)
  })

  it('takes no layer that is another than the cache says', async () => {
    using test = await opened()
    const { directory } = await poisoned(digestOf('something else'))
    const found = (await test.find(directory)).find(KEY, [])
    await assert.rejects(test.store.directories(found?.layers ?? []))
    assert(test.store.remote.failure instanceof Error)
    // The bytes have the digest they were asked for by, but nothing has been unpacked of them.
    await assert.rejects(test.store.directories(found?.layers ?? []))
  })

  it('takes no bytes for a layer that is here unpacked unless they are that layer', async () => {
    using test = await opened()
    const made = await test.store.add({
      below: [],
      tar: (async function* () {
        yield tarOf([{ path: 'f', content: 'made here' }])
      })(),
      directory: undefined,
      counts: () => ({ sizeBytes: 9, fileCount: 1, entries: 1 }),
    })
    const { directory } = await poisoned(made?.diffID)
    const layers = (await test.find(directory)).find(KEY, [])?.layers ?? []
    for (const _ of ['not fetched yet', 'fetched']) {
      assert.deepEqual(await test.store.remote.unready(layers), layers)
      await assert.rejects(test.store.remote.bring(layers), BlobMismatch)
    }
    assert(test.store.remote.failure instanceof BlobMismatch)
  })

  it('looks once at the bytes of a layer that is here unpacked', async () => {
    using test = await opened()
    const { directory, tar } = await poisoned(undefined)
    const layers = (await test.find(directory)).find(KEY, [])?.layers ?? []
    await test.store.directories(layers)
    assert.deepEqual(await test.store.remote.unready(layers), [])
    assert.deepEqual((await test.store.remote.bring(layers))[0]?.diffID, digestOf(tar))
  })

  it('waits for no pipe that stands where a file should be', async () => {
    using test = await opened()
    const inPlaceOf = async (name: (directory: string) => string) => {
      const { directory } = await poisoned(undefined)
      const path = join(directory, name(directory))
      rmSync(path)
      execFileSync('mkfifo', [path])
      return directory
    }
    const list = await inPlaceOf(() => 'index.json')
    assert.equal((await test.find(list)).find(KEY, []), undefined)
    const manifest = await inPlaceOf((directory) => {
      const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'))
      return `blobs/${index.manifests[0].digest.replace(':', '/')}`
    })
    assert.equal((await test.find(manifest)).find(KEY, []), undefined)
  })
})
