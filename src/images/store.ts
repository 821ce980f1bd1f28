/** The image room's front door. Each operation is a file of its own, loaded when it is first asked for. */
import { isDigest } from '../oci/digest.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import { logEvent } from '../state/events.ts'
import { createBlobDirectories } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { openSnapshots } from './layers/snapshots.ts'
import type { ImageStore, RemoveImageResult } from './types.ts'

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
    pull: async (name, ...rest) => {
      const result = await (await import('./pull.ts')).pullImage(context, name, ...rest)
      tell(context, 'pull', result.reference)
      return result
    },
    push: async (name, ...rest) => {
      const results = await (await import('./push.ts')).pushImage(context, name, ...rest)
      for (const { reference } of results) tell(context, 'push', reference)
      return results
    },
    list: async (...args) => (await import('./list.ts')).listImages(context, ...args),
    inspect: async (...args) => (await import('./inspect.ts')).inspectImage(context, ...args),
    inspectRemote: async (...args) => (await import('./inspect.ts')).inspectRemote(context, ...args),
    history: async (...args) => (await import('./history.ts')).imageHistory(context, ...args),
    tag: async (source, target) => {
      await (await import('./tag.ts')).tagImage(context, source, target)
      tell(context, 'tag', target)
    },
    remove: async (...args) => {
      const result = await (await import('./remove.ts')).removeImage(context, ...args)
      tellRemoved(context, result)
      return result
    },
    prune: async (...args) => {
      const result = await (await import('./prune.ts')).pruneImages(context, ...args)
      tellRemoved(context, result)
      return result
    },
    prepare: async (...args) => (await import('./prepare.ts')).prepareImage(context, ...args),
    save: async (names, output, options = {}) => {
      await (await import('./save.ts')).saveImages(context, names, { output, ...options })
      for (const name of names) tell(context, 'save', name)
    },
    load: async (...args) => {
      const names = await (await import('./load.ts')).loadImages(context, ...args)
      for (const name of names) tell(context, 'load', name)
      return names
    },
    import: async (...args) => {
      const id = await (await import('./import.ts')).importImage(context, ...args)
      tell(context, 'import', id)
      return id
    },
    derive: async (...args) => (await import('./derive.ts')).deriveImage(context, ...args),
    usage: async () => (await import('./usage.ts')).imageUsage(context),
    tags: (repository) => context.registry.repository(parseReference(repository), 'pull').tags(),
    diff: async (...args) => (await import('./diff.ts')).diffImages(context, ...args),
    login: async (...args) => (await import('./login.ts')).login(context, ...args),
    check: async (...args) => (await import('./check.ts')).checkImages(context, ...args),
    logout: async (...args) => (await import('./login.ts')).logout(context, ...args),
  }
}

/** @param name - a reference, or the id of an image without one */
function tell({ database }: ImageContext, action: string, name: string): void {
  const shown = isDigest(name) ? name : familiarName(parseReference(name))
  logEvent(database, { type: 'image', action, actor: shown, attributes: { name: shown } })
}

function tellRemoved(context: ImageContext, { untagged, deleted }: RemoveImageResult): void {
  for (const name of untagged) tell(context, 'untag', name)
  for (const id of deleted) tell(context, 'delete', id)
}
