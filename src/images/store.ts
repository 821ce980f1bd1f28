/** The image room's front door. Each operation is a file of its own, loaded when it is first asked for. */
import type { ContainerEngine } from '../containers/types.ts'
import type { Paths } from '../paths.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { Database } from '../state/database.ts'
import { createBlobDirectories } from './blobs.ts'
import type { ImageContext, Snapshots, UnpackedLayer, UnpackRequest } from './context.ts'
import type { ImageStore } from './types.ts'

export interface ImageStoreOptions {
  readonly paths: Paths
  readonly database: Database
  readonly registry: RegistryClient
  readonly snapshots: Snapshots
  readonly unpack: (request: UnpackRequest) => Promise<UnpackedLayer>
  /** Containers made of an image: what they use is neither removed nor collected. */
  readonly usersOf: ContainerEngine['usersOf']
}

/** Closing is the business of whoever opened database and registry client. */
export function openImageStore(options: ImageStoreOptions): ImageStore {
  const context: ImageContext = options
  createBlobDirectories(context.paths)
  return {
    pull: async (...args) => (await import('./pull.ts')).pullImage(context, ...args),
    list: async (...args) => (await import('./list.ts')).listImages(context, ...args),
    inspect: async (...args) => (await import('./inspect.ts')).inspectImage(context, ...args),
    inspectRemote: async (...args) => (await import('./inspect.ts')).inspectRemote(context, ...args),
    history: async (...args) => (await import('./history.ts')).imageHistory(context, ...args),
    tag: async (...args) => (await import('./tag.ts')).tagImage(context, ...args),
    remove: async (...args) => (await import('./remove.ts')).removeImage(context, ...args),
    prune: async (...args) => (await import('./prune.ts')).pruneImages(context, ...args),
    prepare: async (...args) => (await import('./prepare.ts')).prepareImage(context, ...args),
  } as ImageStore
}
