/** `container prune`: every container that does not run. */
import { logEvent } from '../state/events.ts'
import { ContainerNotFound, StateConflict } from './errors.ts'
import { discardContainer, isOwned } from './finish.ts'
import { parsePruneFilters } from './prune-filters.ts'
import { reconcile } from './reconcile.ts'
import { type ContainerRecord, listRecords } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { writtenBytes } from './size.ts'
import type { PruneContainersResult } from './types.ts'

/** See `ContainerEngine.prune`. One that is being created is left alone. */
export async function pruneContainers(room: ContainerRoom, filters: readonly string[]): Promise<PruneContainersResult> {
  const matches = parsePruneFilters(filters)
  const deleted: string[] = []
  let reclaimedBytes = 0
  for (const listed of listRecords(room.database)) {
    const record = await reconcile(room, listed)
    if (record === undefined || !isIdle(record) || !matches(record)) continue
    const bytes = await writtenBytes(room.paths, record.id)
    try {
      await discardContainer(room, record)
    } catch (error) {
      if (error instanceof StateConflict || error instanceof ContainerNotFound) continue // started or removed meanwhile
      throw error
    }
    deleted.push(record.id)
    reclaimedBytes += bytes
  }
  const attributes = { reclaimed: `${reclaimedBytes}` }
  logEvent(room.database, { type: 'container', action: 'prune', actor: '', attributes })
  return { deleted, reclaimedBytes }
}

function isIdle(record: ContainerRecord): boolean {
  return (record.state === 'exited' || record.state === 'created') && !isOwned(record)
}
