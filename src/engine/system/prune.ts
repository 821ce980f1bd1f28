/** `system prune`: stopped containers first, because they hold on to the rest. */
import type { SystemRoom } from './room.ts'
import type { SystemPruneOptions, SystemPruneResult } from './types.ts'

/**
 * See `SystemEngine.prune`. What is being created, pulled or built meanwhile stays.
 *
 * @throws {InvalidArgument} a filter; nothing has been removed then
 */
export async function pruneSystem(
  { containers, images, builds, networks, volumes: room }: SystemRoom,
  { all, volumes, filters }: SystemPruneOptions,
): Promise<SystemPruneResult> {
  const stopped = await containers.prune(filters)
  const unusedNetworks = await networks.prune(filters)
  const idle = volumes ? await room.prune({ all: false, filters }) : { deleted: [], reclaimedBytes: 0 }
  const isLabel = (filter: string) => filter.startsWith('label')
  // docker's cache knows no labels: where they choose, it is left alone.
  const cache = filters.some(isLabel) ? NOTHING : await builds.prune({ all, filters })
  const unused = await images.prune({ all, filters })
  return {
    containers: stopped.deleted,
    networks: unusedNetworks,
    images: [
      ...unused.untagged.map((name) => `untagged: ${name}`),
      ...unused.deleted.map((digest) => `deleted: ${digest}`),
    ],
    volumes: idle.deleted,
    cache: cache.deleted,
    reclaimedBytes: stopped.reclaimedBytes + idle.reclaimedBytes + cache.reclaimedBytes + unused.reclaimedBytes,
  }
}

const NOTHING = { deleted: [], reclaimedBytes: 0 }
