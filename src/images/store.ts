/** The image room's front door. Each operation is a file of its own, loaded when it is first asked for. */
import { parseReference } from '../oci/reference.ts'
import { createBlobDirectories } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { openSnapshots } from './layers/snapshots.ts'
import type { ImageStore } from './types.ts'

/** Snapshots and the unpacker may be others than the house's own. */
export type ImageStoreOptions = Omit<ImageContext, 'snapshots' | 'unpack'> &
  Partial<Pick<ImageContext, 'snapshots' | 'unpack'>>

/** Closing is the business of whoever opened database and registry client. */
export function openImageStore(options: ImageStoreOptions): ImageStore {
  const context: ImageContext = {
    snapshots: openSnapshots(options.paths),
    unpack: async (request) => (await import('./layers/unpack.ts')).unpackLayer(request),
    ...options,
  }
  createBlobDirectories(context.paths)
  return {
    pull: async (...args) => (await import('./pull.ts')).pullImage(context, ...args),
    push: async (...args) => (await import('./push.ts')).pushImage(context, ...args),
    list: async (...args) => (await import('./list.ts')).listImages(context, ...args),
    inspect: async (...args) => (await import('./inspect.ts')).inspectImage(context, ...args),
    inspectRemote: async (...args) => (await import('./inspect.ts')).inspectRemote(context, ...args),
    history: async (...args) => (await import('./history.ts')).imageHistory(context, ...args),
    tag: async (...args) => (await import('./tag.ts')).tagImage(context, ...args),
    remove: async (...args) => (await import('./remove.ts')).removeImage(context, ...args),
    prune: async (...args) => (await import('./prune.ts')).pruneImages(context, ...args),
    prepare: async (...args) => (await import('./prepare.ts')).prepareImage(context, ...args),
    save: async (names, output, options = {}) =>
      (await import('./save.ts')).saveImages(context, names, { output, ...options }),
    load: async (...args) => (await import('./load.ts')).loadImages(context, ...args),
    import: async (...args) => (await import('./import.ts')).importImage(context, ...args),
    derive: async (...args) => (await import('./derive.ts')).deriveImage(context, ...args),
    tags: (repository) => context.registry.repository(parseReference(repository), 'pull').tags(),
    diff: async (...args) => (await import('./diff.ts')).diffImages(context, ...args),
    login: async (...args) => (await import('./login.ts')).login(context, ...args),
    check: async (...args) => (await import('./check.ts')).checkImages(context, ...args),
    logout: async (...args) => (await import('./login.ts')).logout(context, ...args),
  }
}
