/** The image room's front door. Each operation is a file of its own, loaded when it is first asked for. */
import { familiarName, parseReference, withDefaultTag } from '../oci/reference.ts'
import { logEvent } from '../state/events.ts'
import { createBlobDirectories } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { ImageNotFound } from './errors.ts'
import type { ImageAction } from './events.ts'
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
    pull: async (name, ...rest) => {
      const result = await (await import('./pull.ts')).pullImage(context, name, ...rest)
      tellTransfer(context, 'pull', result.reference)
      return result
    },
    push: async (name, ...rest) => {
      const results = await (await import('./push.ts')).pushImage(context, name, ...rest)
      for (const { reference } of results) tellTransfer(context, 'push', reference)
      return results
    },
    list: async (...args) => (await import('./list.ts')).listImages(context, ...args),
    inspect: async (...args) => (await import('./inspect.ts')).inspectImage(context, ...args),
    inspectRemote: async (...args) => (await import('./inspect.ts')).inspectRemote(context, ...args),
    remote: async (...args) => {
      const { readRemote } = await import('./remote-content.ts')
      const { reference: _, repository: __, ...content } = await readRemote(context, ...args)
      return content
    },
    remoteConfigs: async (...args) => (await import('./remote-content.ts')).remoteConfigs(context, ...args),
    combine: async (options) => {
      const image = await (await import('./combine-remote.ts')).combineRemote(context, options)
      if (!options.dryRun) for (const tag of options.tags) tellTransfer(context, 'push', tag)
      return image
    },
    history: async (...args) => (await import('./history.ts')).imageHistory(context, ...args),
    tag: async (...args) => (await import('./tag.ts')).tagImage(context, ...args),
    remove: async (...args) => (await import('./remove.ts')).removeImage(context, ...args),
    prune: async (...args) => (await import('./prune.ts')).pruneImages(context, ...args),
    prepare: async (...args) => (await import('./prepare.ts')).prepareImage(context, ...args),
    save: async (names, output, options = {}) => {
      await (await import('./save.ts')).saveImages(context, names, { output, ...options })
      for (const name of options.exact === undefined ? names : [options.exact.id]) await tell(context, 'save', name)
    },
    saveLayout: async (names, directory, options = {}) => {
      await (await import('./save-layout.ts')).saveLayout(context, names, { directory, ...options })
      for (const name of options.exact === undefined ? names : [options.exact.id]) await tell(context, 'save', name)
    },
    load: async (...args) => {
      const names = await (await import('./load.ts')).loadImages(context, ...args)
      for (const name of names) await tell(context, 'load', name)
      return names
    },
    import: async (...args) => {
      const id = await (await import('./import.ts')).importImage(context, ...args)
      await tellNew(context, id, args[1]?.reference)
      await tell(context, 'import', id)
      return id
    },
    pack: async (options) => {
      const id = await (await import('./pack.ts')).packImage(context, options)
      for (const reference of options.references) await tellNew(context, id, reference)
      return id
    },
    derive: async (options) => {
      const id = await (await import('./derive.ts')).deriveImage(context, options)
      await tellNew(context, id, options.reference)
      return id
    },
    usage: async () => (await import('./usage.ts')).imageUsage(context),
    tags: (repository) => context.registry.repository(parseReference(repository), 'pull').tags(),
    diff: async (...args) => (await import('./diff.ts')).diffImages(context, ...args),
    login: async (...args) => (await import('./login.ts')).login(context, ...args),
    check: async (...args) => (await import('./check.ts')).checkImages(context, ...args),
    logout: async (...args) => (await import('./login.ts')).logout(context, ...args),
  }
}

/** The image is told by its id, and by how it was called; nothing if another process has removed it already. */
async function tell({ database }: ImageContext, action: ImageAction, called: string): Promise<void> {
  const { findImage } = await import('./find.ts')
  const { logImageEvent } = await import('./events.ts')
  try {
    const image = findImage(database, called)
    const name = image.reference === undefined ? image.id : familiarName(image.reference)
    logImageEvent(database, { action, image, name })
  } catch (error) {
    if (!(error instanceof ImageNotFound)) throw error
  }
}

async function tellNew(context: ImageContext, id: string, reference: string | undefined): Promise<void> {
  if (reference === undefined) return
  const { logImageEvent } = await import('./events.ts')
  const { readImage } = await import('./records.ts')
  const image = readImage(context.database, id)
  const name = familiarName(withDefaultTag(parseReference(reference)))
  if (image !== undefined) logImageEvent(context.database, { action: 'tag', image, name })
}

/** `image pull app:1 (name=app)`: docker names both the reference and the repository. */
function tellTransfer({ database }: ImageContext, action: 'pull' | 'push', name: string): void {
  const { registry, repository, ...reference } = parseReference(name)
  const attributes = { name: familiarName({ registry, repository }) }
  logEvent(database, { type: 'image', action, actor: familiarName({ registry, repository, ...reference }), attributes })
}
