/**
 * An image store for tests: real files, a real database, a real registry. The registry client and the unpacker here are
 * plain stand-ins (fetch, GNU tar), so that a failure of these tests is a failure of the image room.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { ImageContext, Snapshots, UnpackedLayer, UnpackRequest } from '../../src/images/context.ts'
import { openImageStore } from '../../src/images/store.ts'
import type { ImageStore } from '../../src/images/types.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { type Digest, digestOf, parseDigest } from '../../src/oci/digest.ts'
import type { Reference } from '../../src/oci/reference.ts'
import { type Paths, statePath } from '../../src/paths.ts'
import type { RegistryClient, RegistryRepository } from '../../src/registry/client.ts'
import { openDatabase } from '../../src/state/database.ts'

export interface TestStore {
  readonly context: ImageContext
  readonly store: ImageStore
  /** Containers that the store is told of, by image id. */
  readonly containers: Map<string, { id: string; name: string; running: boolean }[]>
  close(): void
}

/** Opens the store below `root`; several may be open there at once, in one process or more. */
export function openTestStore(root: string): TestStore {
  const paths: Paths = { root, run: join(root, 'run') }
  const database = openDatabase(statePath(paths))
  const containers: TestStore['containers'] = new Map()
  const context: ImageContext = {
    paths,
    database,
    registry: plainClient(),
    credentials: { store: async () => ({}), erase: async () => undefined },
    snapshots: plainSnapshots(paths),
    unpack: plainUnpack,
    usersOf: (id) => containers.get(id) ?? [],
  }
  return { context, store: openImageStore(context), containers, close: () => database.close() }
}

const ACCEPT = [
  'oci.image.index.v1',
  'oci.image.manifest.v1',
  'docker.distribution.manifest.list.v2',
  'docker.distribution.manifest.v2',
]
  .map((type) => `application/vnd.${type}+json`)
  .join(', ')

function plainClient(): RegistryClient {
  return {
    repository: (reference) => plainRepository(reference),
    login: async () => ({}),
    close: async () => undefined,
  }
}

function plainRepository(reference: Reference): RegistryRepository {
  const base = `http://${reference.registry}/v2/${reference.repository}`
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(path.startsWith('http') ? path : `${base}/${path}`, init)
    if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${path} answered ${answer.status}: ${await answer.text()}`)
    return answer
  }
  return {
    reference,
    resolve: async (name) => {
      const { headers } = await ask(`manifests/${name}`, { method: 'HEAD', headers: { accept: ACCEPT } })
      return {
        mediaType: headers.get('content-type') ?? '',
        digest: parseDigest(headers.get('docker-content-digest') ?? ''),
        size: Number(headers.get('content-length')),
      }
    },
    getManifest: async (name) => {
      const answer = await ask(`manifests/${name}`, { headers: { accept: ACCEPT } })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      const mediaType = answer.headers.get('content-type') ?? ''
      return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } }
    },
    getBlob: async ({ digest }, { offset = 0, signal } = {}) => {
      const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` }
      const answer = await ask(`blobs/${digest}`, { headers, ...(signal && { signal }) })
      return Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0])
    },
    pushBlob: async (blob, openBlob, options = {}) => {
      if ((await fetch(`${base}/blobs/${blob.digest}`, { method: 'HEAD' })).ok) return 'exists'
      const [from] = options.mountFrom ?? []
      const mount = from === undefined ? '' : `?mount=${blob.digest}&from=${from}`
      const start = await ask(`blobs/uploads/${mount}`, { method: 'POST' })
      if (start.status === 201) return 'mounted'
      await upload(blob, new URL(start.headers.get('location') ?? '', base), await openBlob(0))
      return 'uploaded'
    },
    putManifest: async (name, bytes, mediaType) => {
      const headers = { 'content-type': mediaType }
      const answer = await ask(`manifests/${name}`, { method: 'PUT', headers, body: new Uint8Array(bytes) })
      return parseDigest(answer.headers.get('docker-content-digest') ?? '')
    },
    tags: async function* () {
      yield* ((await (await ask('tags/list')).json()) as { tags: string[] }).tags
    },
  }
}

async function upload(blob: Descriptor, location: URL, stream: Readable): Promise<void> {
  location.searchParams.set('digest', blob.digest)
  const body = Buffer.concat(await stream.toArray())
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await fetch(location, { method: 'PUT', headers, body: new Uint8Array(body) })
  if (answer.status !== 201) throw new Error(`upload answered ${answer.status}`)
}

function plainSnapshots({ root }: Paths): Snapshots {
  const directory = join(root, 'snapshots')
  const path = (chainID: Digest) => join(directory, chainID.slice(7))
  return {
    path,
    has: async (chainID) => (await stat(path(chainID)).catch(() => undefined)) !== undefined,
    create: async (chainID, fill) => {
      await mkdir(directory, { recursive: true })
      const temporary = await mkdtemp(join(directory, '.new-'))
      try {
        await fill(temporary)
        await rename(temporary, path(chainID))
      } finally {
        await rm(temporary, { recursive: true, force: true })
      }
    },
    remove: (chainID) => rm(path(chainID), { recursive: true, force: true }),
    list: async () => {
      await mkdir(directory, { recursive: true })
      return (await readdir(directory))
        .filter((name) => !name.startsWith('.'))
        .map((name) => parseDigest(`sha256:${name}`))
    },
  }
}

async function plainUnpack({ blob, mediaType, diffID, target }: UnpackRequest): Promise<UnpackedLayer> {
  const tar = spawn('tar', ['-x', '-C', target], { stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(tar, 'exit')
  const hash = createHash('sha256')
  let sizeBytes = 0
  const packing = mediaType.split(/[.+]/).at(-1)
  const inflate = packing === 'gzip' ? createGunzip() : packing === 'zstd' ? createZstdDecompress() : new PassThrough()
  const count = async function* (stream: AsyncIterable<Buffer>) {
    for await (const chunk of stream) {
      hash.update(chunk)
      sizeBytes += chunk.length
      yield chunk
    }
  }
  try {
    await pipeline(blob, inflate, count, tar.stdin)
  } finally {
    tar.stdin.destroy()
    await ended
  }
  const found = `sha256:${hash.digest('hex')}`
  if (tar.exitCode !== 0 || found !== diffID) throw new Error(`unpacking failed: ${tar.exitCode}, ${found}`)
  return { sizeBytes, fileCount: 1, diffID }
}
