/** `builder prune`: forgets steps, and removes what only they held. */
import { parseSize } from '../../containers/parse/values.ts'
import { type Database, transaction } from '../../state/database.ts'
import { splitFilter } from '../../util/filters.ts'
import { parseMoment } from '../../util/moment.ts'
import { forgetFingerprints } from '../context/fingerprints.ts'
import type { BuildRoom } from '../room.ts'
import { pruneSources } from '../sources/prune.ts'
import { cacheMountDirectory, removeCacheMount } from '../steps/cache-mount.ts'
import type { PruneCacheOptions, PruneCacheResult } from '../types.ts'
import { type MountRow, mountBytes, mountRows, type StepRow, stepRows } from './usage.ts'

/** What a build that goes on just now uses stays: it holds leases and locks. */
export async function pruneCache(room: BuildRoom, options: PruneCacheOptions): Promise<PruneCacheResult> {
  const { database } = room
  const untilMs = parseUntil(options.filters)
  const isOld = ({ used_at_ms: usedAtMs }: { readonly used_at_ms: number }) => usedAtMs < untilMs
  const keepBytes = options.keep === undefined ? 0 : parseSize(options.keep, 'keep-storage')
  let keptBytes = 0
  const goes = (row: StepRow): boolean => {
    if (!isOld(row) || (!options.all && row.shared === 1)) return false
    keptBytes += (row.size_bytes ?? 0) + (row.blob_bytes ?? 0)
    return keptBytes > keepBytes
  }
  const steps = transaction(database, () => {
    const doomed = stepRows(database).filter(goes)
    const forget = database.prepare('DELETE FROM build_steps WHERE key = ?')
    for (const { key } of doomed) forget.run(key)
    forgetLayers(database)
    return doomed
  })
  const mounts: MountRow[] = []
  let reclaimedBytes = 0
  for (const mount of keepBytes > 0 ? [] : mountRows(database).filter(isOld)) {
    const bytes = await removeMount(room, mount)
    if (bytes === undefined) continue
    mounts.push(mount)
    reclaimedBytes += bytes
  }
  const sources = keepBytes > 0 ? { keys: [], reclaimedBytes: 0 } : await pruneSources(room, isOld)
  reclaimedBytes += sources.reclaimedBytes
  if (untilMs === Number.POSITIVE_INFINITY) forgetFingerprints(room.paths)
  const collected = await room.collect()
  return {
    deleted: [...[...steps, ...mounts].map(({ key }) => key), ...sources.keys].map((key) => key.slice(0, 12)),
    reclaimedBytes: reclaimedBytes + collected,
  }
}

/** Those that no step's result consists of; from the top down. */
function forgetLayers(database: Database): void {
  const leaves = database.prepare(`DELETE FROM build_layers WHERE
    NOT EXISTS (SELECT 1 FROM build_steps WHERE build_steps.chain_id = build_layers.chain_id) AND
    NOT EXISTS (SELECT 1 FROM build_layers AS above WHERE above.parent = build_layers.chain_id)`)
  while (Number(leaves.run().changes) > 0);
}

function parseUntil(filters: readonly string[]): number {
  const moments = filters.map((filter) => parseMoment(splitFilter(filter, ['until']).value, 'until'))
  return Math.min(Number.POSITIVE_INFINITY, ...moments)
}

/** @returns undefined: a step has it mounted, so it is left alone */
async function removeMount({ database, paths }: BuildRoom, { key }: MountRow): Promise<number | undefined> {
  const bytes = await mountBytes(cacheMountDirectory(paths, key))
  return (await removeCacheMount(database, paths, key)) ? bytes : undefined
}
