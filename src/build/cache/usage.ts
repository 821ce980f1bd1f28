/** What the build cache takes on the disk. */
import { measureFiles } from '../../linux/measure-files.ts'
import type { Database } from '../../state/database.ts'
import type { BuildRoom } from '../room.ts'
import { type SourceRow, sourceRows } from '../sources/kept.ts'
import { cacheMountDirectory } from '../steps/cache-mount.ts'
import type { CacheRecord } from '../types.ts'
import { parseCacheFilters } from './filters.ts'

export interface CacheEntry extends CacheRecord {
  /** `layer`: no step has made it, but some stand on it; it goes with them. */
  readonly of: 'step' | 'layer' | 'mount' | 'source'
  readonly key: string
  /** The top layer of what came of a step. */
  readonly chainID: string | undefined
}

/** Latest used first. @throws {InvalidArgument} a filter */
export async function cacheUsage(room: BuildRoom, filters: readonly string[]): Promise<readonly CacheRecord[]> {
  const test = parseCacheFilters(filters)
  const entries = await cacheEntries(room)
  return entries
    .filter(test)
    .map(({ of: _, key: __, chainID: ___, ...record }) => record)
    .toSorted((one, other) => other.usedAtMs - one.usedAtMs)
}

/** A layer counts for the step that made it, once. */
export async function cacheEntries({ database, paths }: BuildRoom): Promise<readonly CacheEntry[]> {
  const layers = layerRows(database)
  const mounts = mountRows(database).map((row) => mountEntry(row, cacheMountDirectory(paths, row.key)))
  return [...layerEntries(database, layers), ...(await Promise.all(mounts)), ...sourceRows(database).map(sourceEntry)]
}

function layerEntries(database: Database, layers: readonly LayerRow[]): readonly CacheEntry[] {
  const byChain = new Map(layers.map((layer) => [layer.chain_id, layer]))
  const sizes = sizesOf(layers)
  const counted = new Set<string>()
  const entries = stepRows(database).map((row): CacheEntry => {
    const chain = row.chain_id ?? ''
    const isOwn = row.changed === 1 && !counted.has(chain)
    if (isOwn) counted.add(chain)
    const shared = byChain.get(chain)?.shared === 1
    return entryOf(row, { of: 'step', sizeBytes: isOwn ? (sizes.get(chain) ?? 0) : 0, shared, chainID: chain })
  })
  const others = layers.filter((layer) => layer.shared === 0 && !counted.has(layer.chain_id))
  const usedAt = lastUses(entries, layers)
  const carried = others.map((layer): CacheEntry => {
    const atMs = usedAt.get(layer.chain_id) ?? 0
    const times = { created_at_ms: atMs, used_at_ms: atMs, uses: 0 }
    const row = { key: layer.chain_id.slice('sha256:'.length), kind: 'layer', description: CARRIED, ...times }
    const sizeBytes = sizes.get(layer.chain_id) ?? 0
    return entryOf(row, { of: 'layer', sizeBytes, shared: false, chainID: layer.chain_id })
  })
  return [...entries, ...carried]
}

const CARRIED = 'layer that steps stand on'

type CommonRow = Pick<SourceRow, 'key' | 'description' | 'created_at_ms' | 'used_at_ms' | 'uses'> & {
  readonly kind: string
}

function entryOf(row: CommonRow, facts: Pick<CacheEntry, 'of' | 'sizeBytes' | 'shared' | 'chainID'>): CacheEntry {
  return {
    ...facts,
    key: row.key,
    id: row.key.slice(0, 12),
    kind: row.kind,
    description: row.description,
    createdAtMs: row.created_at_ms,
    usedAtMs: row.used_at_ms,
    uses: row.uses,
  }
}

interface StepRow extends CommonRow {
  readonly chain_id: string | null
  readonly changed: number
}

function stepRows(database: Database): readonly StepRow[] {
  const rows = database.prepare('SELECT * FROM build_steps ORDER BY used_at_ms DESC, key').all()
  return rows as unknown as StepRow[]
}

export interface LayerRow {
  readonly chain_id: string
  readonly parent: string | null
  readonly blob: string
  readonly size_bytes: number
  readonly blob_bytes: number
  /** An image has the layer too. */
  readonly shared: number
}

export function layerRows(database: Database): readonly LayerRow[] {
  const rows = database
    .prepare(`SELECT chain_id, parent, blob, size_bytes, blob_bytes,
      EXISTS (SELECT 1 FROM image_layers WHERE image_layers.chain_id = build_layers.chain_id) AS shared
      FROM build_layers ORDER BY shared DESC, chain_id`)
    .all()
  return rows as unknown as LayerRow[]
}

/** By chain. One blob may be a layer on several stacks, each of which is unpacked. */
function sizesOf(layers: readonly LayerRow[]): ReadonlyMap<string, number> {
  const blobs = new Set<string>()
  return new Map(
    layers.map((layer) => {
      const blobBytes = blobs.has(layer.blob) ? 0 : layer.blob_bytes
      blobs.add(layer.blob)
      return [layer.chain_id, layer.size_bytes + blobBytes]
    }),
  )
}

/** What would be free without the cache. */
export function privateBytes(layers: readonly LayerRow[]): number {
  const sizes = sizesOf(layers)
  return layers.reduce((sum, layer) => sum + (layer.shared === 1 ? 0 : (sizes.get(layer.chain_id) ?? 0)), 0)
}

/** By chain: when it, or something that stands on it, was used last. */
export function lastUses(entries: readonly CacheEntry[], layers: readonly LayerRow[]): ReadonlyMap<string, number> {
  const parents = new Map(layers.map((layer) => [layer.chain_id, layer.parent]))
  const uses = new Map<string, number>()
  for (const { chainID, usedAtMs } of entries)
    for (
      let chain = chainID ?? '';
      chain !== '' && (uses.get(chain) ?? -1) < usedAtMs;
      chain = parents.get(chain) ?? ''
    )
      uses.set(chain, usedAtMs)
  return uses
}

export interface MountRow {
  readonly key: string
  readonly id: string
  readonly created_at_ms: number
  readonly used_at_ms: number
  readonly uses: number
}

function mountRows(database: Database): readonly MountRow[] {
  return database.prepare('SELECT * FROM build_mounts ORDER BY used_at_ms DESC').all() as unknown as MountRow[]
}

async function mountEntry(row: MountRow, directory: string): Promise<CacheEntry> {
  const described = { ...row, kind: 'exec.cachemount', description: `cached mount ${row.id}` }
  return entryOf(described, {
    of: 'mount',
    sizeBytes: await mountBytes(directory),
    shared: false,
    chainID: undefined,
  })
}

function sourceEntry(row: SourceRow): CacheEntry {
  return entryOf(row, { of: 'source', sizeBytes: row.size_bytes, shared: false, chainID: undefined })
}

export async function mountBytes(directory: string): Promise<number> {
  try {
    return await measureFiles(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
