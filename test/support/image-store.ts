/**
 * An image store for tests: real files, a real database, a real registry. The registry client here is a
 * plain one over fetch, so that a failure of these tests is a failure of the image room.
 */
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ImageContext } from '../../src/images/context.ts'
import { type ImageStoreOptions, openImageStore } from '../../src/images/store.ts'
import type { ImageStore } from '../../src/images/types.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf, parseDigest } from '../../src/oci/digest.ts'
import type { Reference } from '../../src/oci/reference.ts'
import { type Paths, statePath } from '../../src/paths.ts'
import type { RegistryClient, RegistryRepository } from '../../src/registry/client.ts'
import { openDatabase } from '../../src/state/database.ts'

export interface TestStore {
  readonly context: Pick<ImageContext, 'paths' | 'database'>
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
  const options: ImageStoreOptions = {
    paths,
    database,
    registry: plainClient(),
    credentials: { store: async () => ({}), erase: async () => undefined },
    usersOf: (id) => containers.get(id) ?? [],
  }
  return { context: options, store: openImageStore(options), containers, close: () => database.close() }
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
