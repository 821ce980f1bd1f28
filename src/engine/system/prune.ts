/** `system prune`: stopped containers first, because they hold on to volumes and images. */
import type { SystemRoom } from './room.ts'
import type { SystemPruneOptions, SystemPruneResult } from './types.ts'

/**
 * See `SystemEngine.prune`. What is being created, pulled or built meanwhile stays.
 *
 * @throws {InvalidArgument} a filter; nothing has been removed then
 */
export async function pruneSystem(
  { containers, images, volumes: room }: SystemRoom,
  { all, volumes, filters }: SystemPruneOptions,
): Promise<SystemPruneResult> {
  const stopped = await containers.prune(filters)
  const idle = volumes ? await room.prune({ all: false, filters }) : { deleted: [], reclaimedBytes: 0 }
  const unused = await images.prune({ all, filters })
  return {
    containers: stopped.deleted,
    images: [
      ...unused.untagged.map((name) => `untagged: ${name}`),
      ...unused.deleted.map((digest) => `deleted: ${digest}`),
    ],
    volumes: idle.deleted,
    reclaimedBytes: stopped.reclaimedBytes + idle.reclaimedBytes + unused.reclaimedBytes,
  }
}
