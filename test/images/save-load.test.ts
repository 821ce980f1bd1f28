import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createReadStream, createWriteStream, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, it } from 'mocha'
import { openTestStore, type TestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

const open: TestStore[] = []
afterEach(() => {
  for (const test of open.splice(0)) test.close()
})

async function emptyStore(): Promise<TestStore & { root: string }> {
  const root = await scratchDirectory()
  const test = openTestStore(root)
  open.push(test)
  return { ...test, root }
}

const image = make.makeImage({ layers: [[make.file('a', 'A')], [make.file('b', 'B')]], config: { Cmd: ['x'] } })

/** The files of an OCI layout as a tar, with changes for attacks. */
async function layoutTar(
  images: Record<string, make.MadeImage>,
  extra: readonly make.TarEntry[] = [],
): Promise<Buffer> {
  const directory = await scratchDirectory()
  await make.writeLayout(directory, images)
  const read = (name: string) => make.file(name, readFileSync(join(directory, name)))
  const blobs = readdirSync(join(directory, 'blobs/sha256')).map((name) => read(`blobs/sha256/${name}`))
  const replaced = new Set(extra.map(({ path }) => path))
  const entries = [read('oci-layout'), read('index.json'), ...blobs].filter(({ path }) => !replaced.has(path))
  return make.tarOf([...entries, ...extra])
}

const stored = ({ root }: { root: string }) =>
  ['blobs/partial', 'blobs/sha256'].flatMap((name) => readdirSync(join(root, name)))

describe('save and load', () => {
  it('carry an image to another store, names, id and manifest the same', async () => {
    const from = await emptyStore()
    await from.store.load(Readable.from([await layoutTar({ 'docker.io/library/app:1': image })]))
    await from.store.tag('app:1', 'registry.example/app:2')
    const path = join(await scratchDirectory(), 'saved.tar')
    const output = createWriteStream(path)
    await from.store.save(['app', 'registry.example/app:2'], output)
    await finished(output.end())

    const to = await emptyStore()
    const names = await to.store.load(createReadStream(path))
    assert.deepEqual(names.toSorted(), ['docker.io/library/app:1', 'registry.example/app:2'])
    const [before, after] = [await from.store.inspect('app:1'), await to.store.inspect('app:1')]
    assert.deepEqual([after.Id, after.Descriptor, after.RepoTags], [before.Id, before.Descriptor, before.RepoTags])
  })

  it('refuse a config that has been changed since it was first read', async () => {
    const { store, root } = await emptyStore()
    await store.load(Readable.from([await layoutTar({ 'docker.io/library/app:1': image })]))
    await store.inspect('app:1')
    const path = join(root, 'blobs/sha256', image.id.slice('sha256:'.length))
    writeFileSync(path, readFileSync(path, 'utf8').replace('"x"', '"y"'))
    const directory = await scratchDirectory()
    await assert.rejects(store.save(['app:1'], createWriteStream(join(directory, 'tar'))), { code: 'BLOB_MISMATCH' })
    await assert.rejects(store.saveLayout(['app:1'], join(directory, 'layout')), { code: 'BLOB_MISMATCH' })
  })

  it('put several images into one directory at once', async () => {
    const { store } = await emptyStore()
    await store.load(Readable.from([await layoutTar({ 'docker.io/library/app:1': image })]))
    const tags = ['1', '2', '3', '4']
    for (const tag of tags.slice(1)) await store.tag('app:1', `app:${tag}`)
    const directory = join(await scratchDirectory(), 'layout')
    await Promise.all(tags.map((tag) => store.saveLayout([`app:${tag}`], directory)))
    const { manifests } = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as {
      manifests: readonly { readonly annotations: Readonly<Record<string, string>> }[]
    }
    const names = manifests.map(({ annotations }) => annotations['org.opencontainers.image.ref.name'])
    assert.deepEqual(names.toSorted(), tags)
  })

  it('speak with skopeo in both formats', async () => {
    const directory = await scratchDirectory()
    const test = await emptyStore()
    await test.store.load(Readable.from([await layoutTar({ 'localhost/app:1': image })]))
    const output = createWriteStream(join(directory, 'ours.tar'))
    await test.store.save(['localhost/app:1'], output)
    await finished(output.end())
    const copy = (from: string, to: string) => execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', from, to])
    copy(
      `docker-archive:${directory}/ours.tar:localhost/app:1`,
      `docker-archive:${directory}/docker.tar:localhost/app:docker`,
    )
    copy(`oci-archive:${directory}/ours.tar:1`, `oci-archive:${directory}/oci.tar:localhost/app:oci`)

    const other = await emptyStore()
    assert.deepEqual(await other.store.load(createReadStream(join(directory, 'docker.tar'))), ['localhost/app:docker'])
    assert.deepEqual(await other.store.load(createReadStream(join(directory, 'oci.tar'))), ['localhost/app:oci'])
    assert.deepEqual(
      (await other.store.list()).map(({ id }) => id),
      [image.id],
    )
  }).timeout(60_000)

  it('load archives compressed with gzip and zstd', async () => {
    const tar = await layoutTar({ 'localhost/app:1': image })
    for (const packed of [gzipSync(tar), zstdCompressSync(tar)]) {
      const test = await emptyStore()
      assert.deepEqual(await test.store.load(Readable.from([packed])), ['localhost/app:1'])
    }
  })

  it('refuse content that is not what its name says, and leave nothing', async () => {
    const layer = image.blobs[1]
    assert(layer)
    const path = `blobs/sha256/${layer.descriptor.digest.slice(7)}`
    const lies: [string, make.TarEntry][] = [
      ['another content', make.file(path, Buffer.alloc(layer.bytes.length))],
      ['another length', make.file(path, Buffer.concat([layer.bytes, Buffer.from('x')]))],
    ]
    for (const [what, lie] of lies) {
      const test = await emptyStore()
      const tar = await layoutTar({ 'localhost/app:1': image }, [lie])
      await assert.rejects(test.store.load(Readable.from([tar])), { code: 'BLOB_MISMATCH' }, what)
      await test.store.prune()
      assert.deepEqual(stored(test), [])
    }
  })

  it('refuse names and links that lead out of the archive', async () => {
    const evil: make.TarEntry[] = [
      make.file('../../etc/cron.d/x.json', 'x'),
      make.file('/etc/x.json', 'x'),
      make.symlink('manifest.json', '../../../etc/passwd'),
      make.symlink('x/layer.tar', '/etc/passwd'),
    ]
    for (const entry of evil) {
      const test = await emptyStore()
      const tar = await layoutTar({ 'localhost/app:1': image }, [entry])
      await assert.rejects(test.store.load(Readable.from([tar])), { code: 'ARCHIVE_INVALID' }, JSON.stringify(entry))
      assert.deepEqual(stored(test), [])
    }
  })

  it('refuse what is no image archive', async () => {
    const test = await emptyStore()
    const refused: [Buffer, RegExp][] = [
      [Buffer.alloc(0), /empty/],
      [Buffer.from('hello, world'.repeat(1000)), /no tar archive/],
      [make.tarOf([make.file('etc/passwd', 'x')]), /neither index.json nor manifest.json/],
      [gzipSync(make.tarOf([make.file('x', 'y')])).subarray(0, 50), /no tar archive/],
      [Buffer.from('fd377a585a0000', 'hex'), /compressed with xz/],
    ]
    for (const [bytes, message] of refused) {
      await assert.rejects(test.store.load(Readable.from([bytes])), message)
    }
    assert.deepEqual(stored(test), [])
  })

  it('load all images of an archive or none', async () => {
    const test = await emptyStore()
    const broken = make.makeImage({ layers: [[make.file('c', 'C')]], diffIDs: [`sha256:${'0'.repeat(64)}`] })
    const tar = await layoutTar({ 'localhost/app:1': image, 'localhost/broken:1': broken })
    await assert.rejects(test.store.load(Readable.from([tar])))
    assert.deepEqual(await test.store.list(), [])
  })
})

describe('import', () => {
  it('makes an image of a tar, with its settings and its comment', async () => {
    const test = await emptyStore()
    const tar = make.tarOf([make.file('bin/sh', 'x')])
    for (const input of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
      const options = { reference: 'root:1', changes: ['CMD ["/bin/sh"]'], message: 'hello', platform: 'linux/arm64' }
      const id = await test.store.import(Readable.from([input]), options)
      const inspected = await test.store.inspect('root:1')
      assert.deepEqual(
        [inspected.Id, inspected.Config.Cmd, inspected.Comment, inspected.Architecture],
        [id, ['/bin/sh'], 'hello', 'arm64'],
      )
    }
    assert.equal((await test.store.history('root:1'))[0]?.comment, 'hello')
  })

  it('refuses a bad change before it reads anything', async () => {
    const test = await emptyStore()
    const input = Readable.from([Buffer.from('x')])
    await assert.rejects(test.store.import(input, { changes: ['RUN x'] }), /RUN is not a valid change command/)
    assert.equal(input.readableDidRead, false)
  })
})

describe('image diff', () => {
  it('lists what a container would see differently, with sizes', async () => {
    const test = await emptyStore()
    const base = [
      make.file('same', 'x'),
      make.file('changed', 'old'),
      make.file('gone', '123'),
      make.file('dir/inner', '1'),
      make.file('mode', 'm'),
    ]
    const upper = [
      make.file('.wh.gone'),
      make.file('changed', 'newer'),
      make.file('dir/.wh..wh..opq'),
      make.file('dir/fresh', '12'),
      make.file('mode', 'm', 0o755),
    ]
    const one = make.makeImage({ layers: [base] })
    const two = make.makeImage({ layers: [base, upper], compression: 'zstd' })
    await test.store.load(Readable.from([await layoutTar({ 'localhost/app:1': one, 'localhost/app:2': two })]))
    assert.deepEqual(await test.store.diff('localhost/app:1', 'localhost/app:2'), [
      { path: '/changed', kind: 'changed', sizeBefore: 3, sizeAfter: 5 },
      { path: '/dir/fresh', kind: 'added', sizeBefore: 0, sizeAfter: 2 },
      { path: '/dir/inner', kind: 'removed', sizeBefore: 1, sizeAfter: 0 },
      { path: '/gone', kind: 'removed', sizeBefore: 3, sizeAfter: 0 },
      { path: '/mode', kind: 'changed', sizeBefore: 1, sizeAfter: 1 },
    ])
    assert.deepEqual(await test.store.diff('localhost/app:1', 'localhost/app:1'), [])
  })
})
