/** `image prune`: images nobody names or, with `all`, nobody uses; and all content that nothing needs. */
import { familiarName, parseReference } from '../oci/reference.ts'
import { logEvent } from '../state/events.ts'
import type { ImageContext } from './context.ts'
import { ImageInUse, ImageNotFound } from './errors.ts'
import { parseImageFilters } from './filters.ts'
import { collect } from './gc.ts'
import { listImages, selects } from './list.ts'
import { removeImage } from './remove.ts'
import type { ImageSummary, PruneResult } from './types.ts'

/** Images that containers use, in whatever state, stay. */
export async function pruneImages(
  context: ImageContext,
  options: { readonly all?: boolean; readonly filters?: readonly string[] } = {},
): Promise<PruneResult> {
  const { dangling, ...filters } = parseImageFilters(options.filters ?? [])
  const all = options.all === true || dangling === false
  const untagged: string[] = []
  const deleted: string[] = []
  for (const image of listImages(context).filter(selects(context, filters))) {
    if (image.containers > 0 || (image.tags.length > 0 && !all)) continue
    const removed = await removeEvery(context, image)
    untagged.push(...removed.untagged)
    deleted.push(...removed.deleted)
  }
  const { snapshots, reclaimedBytes } = await collect(context, { partials: true })
  const attributes = { reclaimed: `${reclaimedBytes}` }
  logEvent(context.database, { type: 'image', action: 'prune', actor: '', attributes })
  return { untagged, deleted: [...deleted, ...snapshots], reclaimedBytes }
}

/** Name by name: a name that somebody has given to another image meanwhile is left alone. */
async function removeEvery(context: ImageContext, image: ImageSummary) {
  const untagged: string[] = []
  const deleted: string[] = []
  const names = [...image.tags, ...image.digests].map((name) => familiarName(parseReference(name)))
  for (const name of names.length === 0 ? [image.id] : names) {
    try {
      const removed = await removeImage(context, name, { noPrune: true })
      untagged.push(...removed.untagged)
      deleted.push(...removed.deleted)
    } catch (error) {
      // Taken into use, or removed, since the list was read: both mean that there is nothing to do here.
      if (!(error instanceof ImageInUse || error instanceof ImageNotFound)) throw error
    }
  }
  return { untagged, deleted }
}
