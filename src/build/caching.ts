/** The caches elsewhere that a build reads and writes. */
import type { BuildStore, StackedLayer } from '../images/building.ts'
import type { Platform } from '../oci/descriptor.ts'
import { exportCaches, inlineDocument } from './cache/export.ts'
import { type ImportedSteps, openImports } from './cache/imports.ts'
import { type CacheFrom, type CacheTo, parseCacheFrom, parseCacheTo } from './cache/parse-flags.ts'
import { UsedSteps } from './cache/used-steps.ts'
import type { Progress } from './progress.ts'
import type { BuildRoom } from './room.ts'
import type { Settings } from './settings.ts'
import type { BuildRequest } from './types.ts'

export interface Caches {
  readonly from: readonly CacheFrom[]
  readonly to: readonly CacheTo[]
}

/** @throws {InvalidArgument} */
export function parseCaches({ cacheFrom = [], cacheTo = [] }: BuildRequest): Caches {
  return { from: parseCacheFrom(cacheFrom), to: parseCacheTo(cacheTo) }
}

/** Nothing is known elsewhere. */
export const NO_IMPORTS: ImportedSteps = { find: () => undefined }

export interface CachingOptions {
  readonly room: BuildRoom
  readonly store: BuildStore
  readonly progress: Progress
  readonly settings: Settings
  readonly platforms: readonly Platform[]
  readonly signal: AbortSignal
}

/**
 * Runs `work` with what caches elsewhere know. A layer that one of them has promised and that cannot be had, or is not what it
 * was said to be, is told; the work begins again then, without them.
 *
 * @param work - takes the steps that are known, and a place for those it uses
 */
export async function withCaches<Result>(
  { from }: Caches,
  { store, progress, platforms, signal }: CachingOptions,
  work: (imports: ImportedSteps, used: UsedSteps) => Promise<Result>,
): Promise<{ readonly result: Result; readonly used: UsedSteps }> {
  const used = new UsedSteps()
  if (from.length === 0) return { result: await work(NO_IMPORTS, used), used }
  const imports = await openImports(from, { store, platforms, progress, signal })
  try {
    return { result: await work(imports, used), used }
  } catch (error) {
    const { failure } = store.remote
    if (failure === undefined || signal.aborted) throw error
    const reason = failure instanceof Error ? failure.message : String(failure)
    progress.warn(
      `[Warning] a layer of the cache cannot be used: ${reason}: the build goes on without caches from elsewhere`,
    )
    store.remote.withdraw()
    const again = new UsedSteps()
    return { result: await work(NO_IMPORTS, again), used: again }
  }
}

/** More keys for the config of an image that is its own cache. */
export function inlineCache(
  { to }: Caches,
  layers: readonly StackedLayer[],
  { settings, room, used }: Pick<CachingOptions, 'settings' | 'room'> & { readonly used: UsedSteps },
): Readonly<Record<string, object>> {
  const byArgument = /^(?:1|t|true)$/i.test(settings.buildArgs.get('BUILDKIT_INLINE_CACHE') ?? '')
  if (!byArgument && !to.some(({ type }) => type === 'inline')) return {}
  return inlineDocument(layers, { used, database: room.database })
}

/** At the end of a build: the caches that were asked for, and what has been learnt from others. */
export async function saveCaches(
  { from, to }: Caches,
  images: readonly (readonly StackedLayer[])[],
  { room, store, progress, signal, used }: CachingOptions & { readonly used: UsedSteps },
): Promise<void> {
  const { database } = room
  await used.remember(database, (layers) => store.remote.areSure(layers))
  await exportCaches(to, { store, database, progress, used, images, sources: from, signal })
}
