/** `system prune`: stopped containers first, because they hold on to the rest. */
import { pruneCaches } from './caches.ts'
import type { SystemRoom } from './room.ts'
import type { SystemPruneOptions, SystemPruneResult } from './types.ts'

/**
 * See `SystemEngine.prune`. What is being created, pulled or built meanwhile stays.
 *
 * @throws {InvalidArgument} a filter; nothing has been removed then
 */
export async function pruneSystem(
  { paths, containers, images, builds, networks, volumes: room }: SystemRoom,
  { all, volumes, filters }: SystemPruneOptions,
): Promise<SystemPruneResult> {
  const stopped = await containers.prune(filters)
  const unusedNetworks = await networks.prune(filters)
  const idle = volumes ? await room.prune({ all: false, filters }) : { deleted: [], kept: [], reclaimedBytes: 0 }
  const isLabel = (filter: string) => filter.startsWith('label')
  // docker's cache knows no labels: where they choose, it is left alone.
  const cache = filters.some(isLabel) ? NOTHING : await builds.prune({ all, filters })
  const unused = await images.prune({ all, filters })
  // Of caches nobody can say what a filter says.
  const cachedBytes = all && filters.length === 0 ? pruneCaches(paths) : 0
  return {
    containers: stopped.deleted,
    networks: unusedNetworks.deleted,
    images: [
      ...unused.untagged.map((name) => `untagged: ${name}`),
      ...unused.deleted.map((digest) => `deleted: ${digest}`),
    ],
    volumes: idle.deleted,
    cache: cache.deleted,
    kept: [...unusedNetworks.kept, ...idle.kept],
    reclaimedBytes:
      stopped.reclaimedBytes + idle.reclaimedBytes + cache.reclaimedBytes + unused.reclaimedBytes + cachedBytes,
  }
}

const NOTHING = { deleted: [], reclaimedBytes: 0 }
