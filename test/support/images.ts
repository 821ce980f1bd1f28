/** Makers of images, as bytes: layers, manifests, indexes, WASM artifacts; and their way into a registry or a layout. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Header } from 'tar'
import type { Descriptor, ImageProcessConfig, Platform } from '../../src/oci/descriptor.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import * as types from '../../src/oci/media-types.ts'

export interface TarEntry {
  readonly path: string
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link'
  readonly content?: string | Uint8Array
  readonly linkpath?: string
  readonly mode?: number
  readonly mtime?: Date
}

export const file = (path: string, content: string | Uint8Array = '', mode = 0o644): TarEntry => ({
  path,
  content,
  mode,
})
export const directory = (path: string): TarEntry => ({ path, type: 'Directory', mode: 0o755 })
export const symlink = (path: string, linkpath: string): TarEntry => ({ path, type: 'SymbolicLink', linkpath })

/** An uncompressed tar. The same entries give the same bytes. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ content = '', type = 'File', ...entry }) => {
    const body = Buffer.from(content)
    const header = Buffer.alloc(512)
    new Header({
      mtime: new Date(1_700_000_000_000),
      mode: 0o644,
      uid: 0,
      gid: 0,
      ...entry,
      type,
      size: body.length,
    }).encode(header)
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

/** Manifest or index with everything below it. */
export interface MadeImage {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
  /** What a registry wants first, in order. */
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Buffer }[]
  /** Of an index. */
  readonly manifests: readonly MadeImage[]
  /** The image id, for an image. */
  readonly id: Digest
}

export interface ImageOptions {
  /** lowest first; raw bytes are taken as an uncompressed tar */
  readonly layers: readonly (readonly TarEntry[] | Buffer)[]
  readonly compression?: types.Compression
  readonly format?: 'oci' | 'docker'
  readonly platform?: Platform
  readonly config?: ImageProcessConfig
  readonly created?: string
  readonly annotations?: Readonly<Record<string, string>>
  /** Spoils the config, for tests of what must be refused. */
  readonly diffIDs?: readonly string[]
}

const LAYER_TYPES = {
  oci: { none: types.OCI_LAYER, gzip: types.OCI_LAYER_GZIP, zstd: types.OCI_LAYER_ZSTD },
  docker: { none: types.DOCKER_LAYER, gzip: types.DOCKER_LAYER_GZIP, zstd: types.DOCKER_LAYER_ZSTD },
}

export function makeImage(options: ImageOptions): MadeImage {
  const { compression = 'gzip', format = 'oci', created = '2024-05-06T07:08:09Z' } = options
  const tars = options.layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer as readonly TarEntry[])))
  const layers = tars.map((tar) => blob(LAYER_TYPES[format][compression], compress(tar, compression)))
  const config = {
    created,
    ...(options.platform ?? { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }),
    config: options.config ?? {},
    rootfs: { type: 'layers', diff_ids: options.diffIDs ?? tars.map((tar) => digestOf(tar)) },
    history: tars.map((_, index) => ({ created, created_by: `layer ${index}` })),
  }
  const configBlob = blob(
    format === 'oci' ? types.OCI_CONFIG : types.DOCKER_CONFIG,
    Buffer.from(JSON.stringify(config)),
  )
  const mediaType = format === 'oci' ? types.OCI_MANIFEST : types.DOCKER_MANIFEST
  return makeManifest({
    mediaType,
    config: configBlob,
    layers,
    ...(options.annotations && { annotations: options.annotations }),
  })
}

interface ManifestOptions {
  readonly mediaType?: string
  readonly config: MadeBlob
  readonly layers: readonly MadeBlob[]
  readonly annotations?: Readonly<Record<string, string>>
}

export interface MadeBlob {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

export function blob(mediaType: string, bytes: Buffer): MadeBlob {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes }
}

export function makeManifest({
  mediaType = types.OCI_MANIFEST,
  config,
  layers,
  annotations,
}: ManifestOptions): MadeImage {
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: config.descriptor,
    layers: layers.map((layer) => layer.descriptor),
    ...(annotations && { annotations }),
  }
  const made = blob(mediaType, Buffer.from(JSON.stringify(manifest)))
  return { ...made, blobs: [config, ...layers], manifests: [], id: config.descriptor.digest }
}

/** An index, or docker's manifest list, of images for these platforms. */
export function makeIndex(
  entries: readonly {
    readonly image: MadeImage
    readonly platform?: Platform
    readonly annotations?: Record<string, string>
  }[],
  mediaType: string = types.OCI_INDEX,
): MadeImage {
  const manifests = entries.map(({ image, platform, annotations }) => ({
    ...image.descriptor,
    ...(platform && { platform }),
    ...(annotations && { annotations }),
  }))
  const made = blob(mediaType, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests })))
  return { ...made, blobs: [], manifests: entries.map(({ image }) => image), id: made.descriptor.digest }
}

/** A WASM OCI artifact (CNCF layout, version 0). */
export function makeWasmArtifact(module: Uint8Array): MadeImage {
  const layer = blob(types.WASM_LAYER, Buffer.from(module))
  const config = {
    created: '2024-05-06T07:08:09Z',
    architecture: 'wasm',
    os: 'wasip1',
    layerDigests: [layer.descriptor.digest],
  }
  return makeManifest({ config: blob(types.WASM_CONFIG, Buffer.from(JSON.stringify(config))), layers: [layer] })
}

/** A runnable image for `wasi/wasm` that holds the module as `/app.wasm`. */
export function makeWasmImage(module: Uint8Array, os = 'wasi'): MadeImage {
  return makeImage({
    layers: [[file('app.wasm', module, 0o755)]],
    platform: { os, architecture: 'wasm' },
    config: { Entrypoint: ['/app.wasm'] },
  })
}

const APPLETS = [
  'sh',
  'echo',
  'cat',
  'ls',
  'true',
  'false',
  'sleep',
  'env',
  'id',
  'ps',
  'mount',
  'stat',
  'touch',
  'mkdir',
  'hostname',
  'kill',
  'tty',
  'stty',
  'dd',
  'head',
  'wc',
  'grep',
  'ip',
  'nc',
  'wget',
  'chmod',
  'chown',
  'rm',
  'uname',
  'date',
  'test',
  'yes',
  'od',
  'free',
  'nproc',
  'trap',
  'pwd',
  'printf',
  'readlink',
  'sync',
  'df',
  'umount',
  'unshare',
  'vi',
  'tail',
  'sort',
  'find',
  'su',
  'adduser',
  'login',
  'mknod',
  'cp',
  'mv',
  'ln',
  'seq',
  'expr',
  'sed',
  'awk',
  'tr',
  'cut',
  'xargs',
  'timeout',
  'md5sum',
  'sha256sum',
  'hexdump',
  'which',
  'whoami',
  'httpd',
  'ping',
  'nslookup',
]

/** What is in the `busybox` image: the static program of Debian's busybox-static, its names, users. */
export function busyboxEntries(): readonly TarEntry[] {
  const program = readFileSync('/bin/busybox')
  return [
    ...['bin', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'usr', 'usr/bin', 'var'].map((path) => directory(path)),
    file('bin/busybox', program, 0o755),
    ...APPLETS.map((name) => symlink(`bin/${name}`, 'busybox')),
    file(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/var:/bin/false\nnobody:x:65534:65534::/home:/bin/false\n',
    ),
    file('etc/group', 'root:x:0:\nwww:x:33:\naudio:x:29:www\nnobody:x:65534:\n'),
  ]
}

export function makeBusybox(options: Partial<ImageOptions> = {}): MadeImage {
  const config = { Cmd: ['sh'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] }
  return makeImage({ layers: [busyboxEntries()], config, ...options })
}

function compress(tar: Buffer, compression: types.Compression): Buffer {
  if (compression === 'none') return tar
  return compression === 'gzip' ? gzipSync(tar, { level: 1 }) : zstdCompressSync(tar)
}

/** Uploads everything over plain http, as any client would. `target` is `host:port/repository:tag`. */
export async function pushMade(image: MadeImage, target: string): Promise<void> {
  const [, host, repository, tag] = /^([^/]+)\/(.+):([^:/]+)$/.exec(target) ?? []
  const base = `http://${host}/v2/${repository}`
  for (const manifest of image.manifests) await pushUntagged(manifest, base, manifest.descriptor.digest)
  await pushUntagged(image, base, tag ?? 'latest')
}

async function pushUntagged(image: MadeImage, base: string, name: string): Promise<void> {
  for (const { descriptor, bytes } of image.blobs) {
    const start = await fetch(`${base}/blobs/uploads/`, { method: 'POST' })
    const location = new URL(start.headers.get('location') ?? '', base)
    location.searchParams.set('digest', descriptor.digest)
    const headers = { 'content-type': 'application/octet-stream' }
    await expectCreated(await fetch(location, { method: 'PUT', headers, body: new Uint8Array(bytes) }))
  }
  for (const manifest of image.manifests) await pushUntagged(manifest, base, manifest.descriptor.digest)
  const headers = { 'content-type': image.descriptor.mediaType }
  await expectCreated(
    await fetch(`${base}/manifests/${name}`, { method: 'PUT', headers, body: new Uint8Array(image.bytes) }),
  )
}

async function expectCreated(answer: Response): Promise<void> {
  const text = await answer.text()
  if (answer.status !== 201) throw new Error(`${answer.url} answered ${answer.status}: ${text}`)
}

/** Writes an OCI layout directory with these images under these tags. */
export async function writeLayout(path: string, images: Readonly<Record<string, MadeImage>>): Promise<void> {
  await mkdir(join(path, 'blobs/sha256'), { recursive: true })
  const write = async (image: MadeImage): Promise<void> => {
    for (const { descriptor, bytes } of [...image.blobs, image]) {
      await writeFile(join(path, 'blobs/sha256', createHash('sha256').update(bytes).digest('hex')), bytes, {})
      if (descriptor.size !== bytes.length) throw new Error('a descriptor lies')
    }
    for (const manifest of image.manifests) await write(manifest)
  }
  const manifests: unknown[] = []
  for (const [tag, image] of Object.entries(images)) {
    await write(image)
    manifests.push({ ...image.descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } })
  }
  await writeFile(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}
