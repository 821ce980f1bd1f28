/** What happened to containers, images, networks and volumes: rows that `events` reads back and follows. */
import { type Database, transaction } from './database.ts'

export type EventType = 'container' | 'image' | 'network' | 'volume' | 'plugin' | 'system'

export interface NewEvent {
  readonly type: EventType
  /** docker's words: `create`, `start`, `die`, `exec_start: sh`, `health_status: healthy`, `pull` … */
  readonly action: string
  /** id of what it happened to */
  readonly actor: string
  readonly attributes?: Readonly<Record<string, string>>
}

export interface StoredEvent extends Required<NewEvent> {
  /** Strictly rising; survives clock jumps. */
  readonly sequence: number
  readonly timeNs: bigint
}

/** As many are kept; docker's daemon keeps 256. */
const KEPT_EVENTS = 10_000
/** Old ones are dropped every so many new ones. */
const PRUNE_EVERY = 500

/** Within a write transaction of the caller. */
export function insertEvent(database: Database, { type, action, actor, attributes = {} }: NewEvent): void {
  const timeNs = BigInt(Date.now()) * 1_000_000n
  const { lastInsertRowid } = database
    .prepare('INSERT INTO events (time_ns, type, action, actor, attributes) VALUES (?, ?, ?, ?, ?)')
    .run(timeNs, type, action, actor, JSON.stringify(bounded(attributes)))
  const sequence = Number(lastInsertRowid)
  if (sequence % PRUNE_EVERY === 0)
    database.prepare('DELETE FROM events WHERE sequence <= ?').run(sequence - KEPT_EVENTS)
}

/** Labels come from strangers, and every event of their containers repeats them. */
const MAX_ATTRIBUTE_CHARACTERS = 32_768

/** What is too much is left out from the front: what the event itself has to say comes after the labels. */
function bounded(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  let left = MAX_ATTRIBUTE_CHARACTERS
  const kept = Object.entries(attributes)
    .toReversed()
    .filter(([key, value]) => {
      const fits = key.length + value.length <= left
      if (fits) left -= key.length + value.length
      return fits
    })
  return Object.fromEntries(kept.toReversed())
}

/** An event of its own; those that go with a change of state belong into its transaction. */
export function logEvent(database: Database, event: NewEvent): void {
  transaction(database, () => insertEvent(database, event))
}

/** In the order they happened, those after `sequence`, at most `limit`. */
export function readEvents(database: Database, sequence: number, limit = 1000): readonly StoredEvent[] {
  const statement = database.prepare('SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?')
  statement.setReadBigInts(true)
  return statement.all(sequence, limit).map((row) => ({
    sequence: Number(row['sequence']),
    timeNs: row['time_ns'] as bigint,
    type: row['type'] as EventType,
    action: row['action'] as string,
    actor: row['actor'] as string,
    attributes: JSON.parse(row['attributes'] as string) as Record<string, string>,
  }))
}

/** Sequence of the newest; 0 when nothing has happened yet. */
export function latestEvent(database: Database): number {
  const row = database.prepare('SELECT max(sequence) AS latest FROM events').get() as { latest: number | null }
  return row.latest ?? 0
}
