/** Removes what builds have fetched, and no build uses just now. */
import { leasedKeys } from '../../images/leases.ts'
import { removeTree } from '../../linux/remove-tree.ts'
import { transaction } from '../../state/database.ts'
import { tryLock } from '../../state/lock.ts'
import { keysOnDisk, lockName, type SourceRow, type SourceStore, sourceDirectory, sourceRows } from './kept.ts'

export interface PrunedSources {
  readonly keys: readonly string[]
  readonly reclaimedBytes: number
}

/** @param goes - whether a source is to be removed */
export async function pruneSources(store: SourceStore, goes: (row: SourceRow) => boolean): Promise<PrunedSources> {
  const keys: string[] = []
  let reclaimedBytes = 0
  for (const row of sourceRows(store.database).filter(goes)) {
    if (!(await removeSource(store, row.key))) continue
    keys.push(row.key)
    reclaimedBytes += row.size_bytes
  }
  const known = new Set(sourceRows(store.database).map(({ key }) => key))
  // Left by a build that was killed between its last two steps.
  for (const key of keysOnDisk(store.paths)) if (!known.has(key)) await removeSource(store, key)
  return { keys, reclaimedBytes }
}

/** @returns false: somebody uses it, or makes it */
async function removeSource({ database, paths }: SourceStore, key: string): Promise<boolean> {
  using lock = tryLock(database, lockName(key))
  if (lock === undefined) return false
  const isFree = transaction(database, () => {
    if (leasedKeys(database, 'source').has(key)) return false
    database.prepare('DELETE FROM build_sources WHERE key = ?').run(key)
    return true
  })
  if (isFree) await removeTree(sourceDirectory(paths, key))
  return isFree
}
