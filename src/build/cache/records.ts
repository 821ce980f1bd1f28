/** What builds remember, as rows: layers, and the steps that made them. */
import type { StackedLayer } from '../../images/building.ts'
import type { Digest } from '../../oci/digest.ts'
import { type Database, transaction } from '../../state/database.ts'

export interface StepRecord {
  /** All layers of the result, lowest first. */
  readonly layers: readonly StackedLayer[]
  /** Whether the last of them is the step's own. */
  readonly changed: boolean
  readonly createdAtMs: number
}

export interface NewStep extends StepRecord {
  readonly keys: readonly string[]
  readonly kind: string
  /** For people: the instruction. */
  readonly description: string
}

/** @returns undefined: nobody has made it yet, or it has been pruned */
export function readStep(database: Database, key: string): StepRecord | undefined {
  const row = database.prepare('SELECT chain_id, changed, created_at_ms FROM build_steps WHERE key = ?').get(key)
  if (row === undefined) return undefined
  const chainID = row['chain_id'] as Digest | null
  return {
    layers: chainID === null ? [] : readStack(database, chainID),
    changed: row['changed'] === 1,
    createdAtMs: Number(row['created_at_ms']),
  }
}

/** The layer with this chain id and all below it, lowest first. */
function readStack(database: Database, top: Digest): readonly StackedLayer[] {
  const query = database.prepare('SELECT * FROM build_layers WHERE chain_id = ?')
  const layers: StackedLayer[] = []
  for (let next: string | null = top; next !== null; ) {
    const row = query.get(next) as unknown as LayerRow | undefined
    if (row === undefined) throw new Error(`the build cache lacks layer ${next}`) // the schema forbids it
    layers.unshift({
      blob: { mediaType: row.media_type, digest: row.blob, size: row.blob_bytes },
      diffID: row.diff_id,
      chainID: row.chain_id,
      sizeBytes: row.size_bytes,
    })
    next = row.parent
  }
  return layers
}

/** Other keys under which the same result of the same instruction is known. */
export function readKeys(
  database: Database,
  { layers, changed, createdAtMs, description }: StepRecord & Pick<NewStep, 'description'>,
): readonly string[] {
  const rows = database
    .prepare(`SELECT key FROM build_steps WHERE chain_id IS ? AND changed = ? AND created_at_ms = ? AND description = ?
      ORDER BY used_at_ms DESC LIMIT 8`)
    .all(layers.at(-1)?.chainID ?? null, changed ? 1 : 0, createdAtMs, description)
  return rows.map((row) => String(row['key']))
}

/** Notes that the step was of use once more. */
export function touchStep(database: Database, key: string): void {
  database.prepare('UPDATE build_steps SET used_at_ms = ?, uses = uses + 1 WHERE key = ?').run(Date.now(), key)
}

/** Atomic; a step that is known already gets the new result. */
export function writeStep(database: Database, step: NewStep): void {
  transaction(database, () => {
    writeStack(database, step.layers)
    const insert =
      database.prepare(`INSERT INTO build_steps (key, chain_id, changed, kind, description, created_at_ms, used_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET chain_id = excluded.chain_id, changed = excluded.changed,
      created_at_ms = excluded.created_at_ms, used_at_ms = excluded.used_at_ms`)
    const top = step.layers.at(-1)?.chainID ?? null
    for (const key of step.keys)
      insert.run(key, top, step.changed ? 1 : 0, step.kind, step.description, step.createdAtMs, Date.now())
  })
}

function writeStack(database: Database, layers: readonly StackedLayer[]): void {
  // What has come from elsewhere has the size it was unpacked to.
  const insert = database.prepare(`INSERT OR IGNORE INTO build_layers VALUES (?1, ?, ?, ?, ?, ?,
    coalesce((SELECT size_bytes FROM snapshots WHERE chain_id = ?1), ?))`)
  let parent: string | null = null
  for (const { chainID, diffID, blob, sizeBytes } of layers) {
    insert.run(chainID, parent, diffID, blob.digest, blob.mediaType, blob.size, sizeBytes)
    parent = chainID
  }
}

interface LayerRow {
  readonly chain_id: Digest
  readonly parent: string | null
  readonly diff_id: Digest
  readonly blob: Digest
  readonly media_type: string
  readonly blob_bytes: number
  readonly size_bytes: number
}
