/** `builder prune`: forgets steps, and removes what only they held. */
import { statfsSync } from 'node:fs'
import { parseSize } from '../../containers/parse/values.ts'
import { type Database, transaction } from '../../state/database.ts'
import { forgetFingerprints } from '../context/fingerprints.ts'
import type { BuildRoom } from '../room.ts'
import { pruneSources } from '../sources/prune.ts'
import { cacheMountDirectory, removeCacheMount } from '../steps/cache-mount.ts'
import type { CacheLimits, PruneCacheOptions, PruneCacheResult } from '../types.ts'
import { parseCacheFilters } from './filters.ts'
import { type CacheEntry, cacheEntries, lastUses, layerRows, mountBytes, privateBytes } from './usage.ts'

/** What a build that goes on just now uses stays: it holds leases and locks. @throws {InvalidArgument} */
export async function pruneCache(room: BuildRoom, options: PruneCacheOptions): Promise<PruneCacheResult> {
  const { all, filters, limits = {} } = options
  const test = parseCacheFilters(filters)
  const bytes = limitsIn(limits)
  const entries = await cacheEntries(room)
  const keepBytes = keptBytes(sizeOf(entries), { ...bytes, freeBytes: freeBytes(room.paths.root) })
  const goes = (entry: CacheEntry) => entry.of !== 'layer' && (all || !entry.shared) && test(entry)
  const ordered = byLeastUse(entries, room.database).filter(goes)
  const doomed = keepBytes === undefined ? ordered : beyond(ordered, sizeOf(entries) - keepBytes)
  const of = (kind: CacheEntry['of']) => doomed.filter((entry) => entry.of === kind)
  const steps = forgetSteps(room.database, of('step'))
  const mounts = await removeMounts(room, of('mount'))
  const wanted = new Map(of('source').map(({ key, usedAtMs }) => [key, usedAtMs]))
  const sources = await pruneSources(room, (row) => wanted.get(row.key) === row.used_at_ms)
  if (filters.length === 0 && keepBytes === undefined) forgetFingerprints(room.paths)
  // What else is collected was nobody's before.
  const collected = Math.min(await room.collect(), steps.freedBytes)
  return {
    deleted: [...steps.keys, ...mounts.keys, ...sources.keys].map((key) => key.slice(0, 12)),
    reclaimedBytes: collected + mounts.freedBytes + sources.reclaimedBytes,
  }
}

type Limits = { readonly [Name in keyof CacheLimits]: number | undefined }

const FLAGS = { reserved: 'reserved-space', maxUsed: 'max-used-space', minFree: 'min-free-space' } as const

function limitsIn(limits: CacheLimits): Limits {
  const read = (name: keyof CacheLimits) => {
    const text = limits[name]
    return text === undefined ? undefined : parseSize(text, FLAGS[name])
  }
  return { reserved: read('reserved'), maxUsed: read('maxUsed'), minFree: read('minFree') }
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

/**
 * As BuildKit reckons: no more than `maxUsed`, less where the disk is too full, but never less than is reserved.
 *
 * @returns undefined: nothing has to stay
 */
export function keptBytes(
  usedBytes: number,
  { reserved, maxUsed, minFree, freeBytes }: Limits & { readonly freeBytes: number },
): number | undefined {
  if (reserved === undefined && maxUsed === undefined && minFree === undefined) return undefined
  const lacking = Math.max(0, (minFree ?? 0) - freeBytes)
  const most = minFree === undefined ? (maxUsed ?? 0) : Math.min(maxUsed ?? usedBytes, usedBytes - lacking)
  return Math.max(most, reserved ?? 0)
}

function sizeOf(entries: readonly CacheEntry[]): number {
  return entries.reduce((sum, { sizeBytes, shared }) => sum + (shared ? 0 : sizeBytes), 0)
}

/** What stands on a layer goes before it, or nothing would be freed; so do other steps that came to it, of no size themselves. */
function byLeastUse(entries: readonly CacheEntry[], database: Database): readonly CacheEntry[] {
  const layers = layerRows(database)
  const uses = lastUses(entries, layers)
  const parents = new Map(layers.map((layer) => [layer.chain_id, layer.parent]))
  const depths = new Map<string, number>()
  const depthOf = (chain: string): number => {
    const above: string[] = []
    let next: string | null | undefined = chain
    for (; next && !depths.has(next); next = parents.get(next)) above.push(next)
    let depth = next ? (depths.get(next) ?? 0) : 0
    for (const one of above.toReversed()) depths.set(one, ++depth)
    return depth
  }
  const rank = ({ chainID = '', usedAtMs }: CacheEntry) => uses.get(chainID) ?? usedAtMs
  return entries.toSorted(
    (one, other) =>
      rank(one) - rank(other) ||
      depthOf(other.chainID ?? '') - depthOf(one.chainID ?? '') ||
      one.sizeBytes - other.sizeBytes,
  )
}

/** The first ones, until so much has been freed. */
function beyond(entries: readonly CacheEntry[], excessBytes: number): readonly CacheEntry[] {
  let leftBytes = excessBytes
  return entries.filter(({ sizeBytes, shared }) => {
    if (leftBytes <= 0) return false
    leftBytes -= shared ? 0 : sizeBytes
    return true
  })
}

interface Forgotten {
  readonly keys: readonly string[]
  readonly freedBytes: number
}

/** Those that have been of use meanwhile stay. */
function forgetSteps(database: Database, doomed: readonly CacheEntry[]): Forgotten {
  return transaction(database, () => {
    const before = privateBytes(layerRows(database))
    const forget = database.prepare('DELETE FROM build_steps WHERE key = ? AND used_at_ms = ?')
    const gone = doomed.filter(({ key, usedAtMs }) => Number(forget.run(key, usedAtMs).changes) > 0)
    forgetLayers(database)
    return { keys: gone.map(({ key }) => key), freedBytes: before - privateBytes(layerRows(database)) }
  })
}

/** Those that no step's result consists of; from the top down. */
function forgetLayers(database: Database): void {
  const leaves = database.prepare(`DELETE FROM build_layers WHERE
    NOT EXISTS (SELECT 1 FROM build_steps WHERE build_steps.chain_id = build_layers.chain_id) AND
    NOT EXISTS (SELECT 1 FROM build_layers AS above WHERE above.parent = build_layers.chain_id)`)
  while (Number(leaves.run().changes) > 0);
}

/** One that a step has mounted is left alone. */
async function removeMounts({ database, paths }: BuildRoom, doomed: readonly CacheEntry[]): Promise<Forgotten> {
  const keys: string[] = []
  let freedBytes = 0
  for (const { key } of doomed) {
    const bytes = await mountBytes(cacheMountDirectory(paths, key))
    if (!(await removeCacheMount(database, paths, key))) continue
    keys.push(key)
    freedBytes += bytes
  }
  return { keys, freedBytes }
}
