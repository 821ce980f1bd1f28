/** What the build cache takes on the disk. */
import { measureFiles } from '../../linux/measure-files.ts'
import type { Database } from '../../state/database.ts'
import type { BuildRoom } from '../room.ts'
import { type SourceRow, sourceRows } from '../sources/kept.ts'
import { cacheMountDirectory } from '../steps/cache-mount.ts'
import type { CacheRecord } from '../types.ts'

/** Latest used first. A layer counts for the step that made it, once. */
export async function cacheUsage({ database, paths }: BuildRoom): Promise<readonly CacheRecord[]> {
  const steps = stepRows(database)
  const counted = new Set<string>()
  const records = steps.map((row): CacheRecord => {
    const chain = row.chain_id ?? ''
    const isOwn = row.changed === 1 && !counted.has(chain)
    if (isOwn) counted.add(chain)
    return {
      id: row.key.slice(0, 12),
      kind: row.kind,
      description: row.description,
      sizeBytes: isOwn ? (row.size_bytes ?? 0) + (row.blob_bytes ?? 0) : 0,
      createdAtMs: row.created_at_ms,
      usedAtMs: row.used_at_ms,
      uses: row.uses,
      shared: row.shared === 1,
    }
  })
  const mounts = await Promise.all(
    mountRows(database).map((row) => mountRecord(row, cacheMountDirectory(paths, row.key))),
  )
  const sources = sourceRows(database).map(sourceRecord)
  return [...records, ...mounts, ...sources].toSorted((one, other) => other.usedAtMs - one.usedAtMs)
}

export interface StepRow {
  readonly key: string
  readonly chain_id: string | null
  readonly changed: number
  readonly kind: string
  readonly description: string
  readonly created_at_ms: number
  readonly used_at_ms: number
  readonly uses: number
  readonly size_bytes: number | null
  readonly blob_bytes: number | null
  /** An image has the layer too. */
  readonly shared: number
}

export function stepRows(database: Database): readonly StepRow[] {
  const rows = database
    .prepare(`SELECT build_steps.*, size_bytes, blob_bytes,
      EXISTS (SELECT 1 FROM image_layers WHERE image_layers.chain_id = build_steps.chain_id) AS shared
      FROM build_steps LEFT JOIN build_layers ON build_layers.chain_id = build_steps.chain_id ORDER BY used_at_ms DESC, key`)
    .all()
  return rows as unknown as StepRow[]
}

export interface MountRow {
  readonly key: string
  readonly id: string
  readonly created_at_ms: number
  readonly used_at_ms: number
  readonly uses: number
}

export function mountRows(database: Database): readonly MountRow[] {
  return database.prepare('SELECT * FROM build_mounts ORDER BY used_at_ms DESC').all() as unknown as MountRow[]
}

async function mountRecord(row: MountRow, directory: string): Promise<CacheRecord> {
  return {
    id: row.key.slice(0, 12),
    kind: 'exec.cachemount',
    description: `cached mount ${row.id}`,
    sizeBytes: await mountBytes(directory),
    createdAtMs: row.created_at_ms,
    usedAtMs: row.used_at_ms,
    uses: row.uses,
    shared: false,
  }
}

function sourceRecord(row: SourceRow): CacheRecord {
  return {
    id: row.key.slice(0, 12),
    kind: row.kind,
    description: row.description,
    sizeBytes: row.size_bytes,
    createdAtMs: row.created_at_ms,
    usedAtMs: row.used_at_ms,
    uses: row.uses,
    shared: false,
  }
}

export async function mountBytes(directory: string): Promise<number> {
  try {
    return await measureFiles(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
