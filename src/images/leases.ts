/**
 * Leases: what a live process is about to need of the store. They are taken before anybody looks whether the content exists;
 * collection deletes in the same kind of transaction, so content is seen either leased or gone, never half.
 */
import { type Database, isDatabaseFull, transaction } from '../state/database.ts'
import { thisProcess } from '../state/lock.ts'
import { isAlive } from '../util/process-identity.ts'
import { randomHex } from '../util/random.ts'

export type LeaseKind = 'blob' | 'snapshot' | 'image' | 'source'

export interface Lease {
  /** Keeps more content, from now on. */
  add(kind: LeaseKind, keys: readonly string[]): void
  /** The statements of `release`, for use inside a transaction that stores what has been leased. */
  releaseInside(): void
  /** Idempotent. */
  release(): void
  [Symbol.dispose](): void
}

/** Opens an empty lease. It ends with `release`, or with this process. */
export function openLease(database: Database): Lease {
  const holder = randomHex(16)
  const held = new Set<string>()
  const releaseInside = () => {
    held.clear()
    if (database.isOpen) database.prepare('DELETE FROM leases WHERE holder = ?').run(holder)
  }
  const release = () => {
    try {
      releaseInside()
    } catch (error) {
      // The rows end with this process; the error that led here is the one to report.
      if (!isDatabaseFull(error)) throw error
    }
  }
  return {
    add: (kind, keys) => {
      // Those of images are renewed: they grow old.
      const more = kind === 'image' ? keys : keys.filter((key) => !held.has(`${kind} ${key}`))
      if (more.length === 0) return
      const { pid, startTime } = thisProcess()
      const insert = database.prepare(
        'INSERT OR REPLACE INTO leases (holder, kind, key, pid, start_time, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)',
      )
      transaction(database, () => {
        for (const key of more) insert.run(holder, kind, key, pid, startTime, Date.now())
      })
      for (const key of more) held.add(`${kind} ${key}`)
    },
    releaseInside,
    release,
    [Symbol.dispose]: release,
  }
}

/** One lease of an image for the life of this process: between `prepare` and the container's record. Repeating renews it. */
export function leaseForThisProcess(database: Database, imageId: string): void {
  const { pid, startTime } = thisProcess()
  database
    .prepare(
      'INSERT OR REPLACE INTO leases (holder, kind, key, pid, start_time, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)',
    )
    .run(`process-${pid}-${startTime}`, 'image', imageId, pid, startTime, Date.now())
}

/** A server lives long, but the record of a container follows `prepare` at once. */
const IMAGE_LEASE_MS = 10 * 60_000

/** The keys of a kind that live processes hold. Forgets the leases of dead ones; call it inside a transaction. */
export function leasedKeys(database: Database, kind: LeaseKind): ReadonlySet<string> {
  const holders = database.prepare('SELECT DISTINCT pid, start_time FROM leases').all() as unknown as HolderRow[]
  for (const { pid, start_time: startTime } of holders) {
    if (isAlive({ pid, startTime })) continue
    database.prepare('DELETE FROM leases WHERE pid = ? AND start_time = ?').run(pid, startTime)
  }
  database.prepare("DELETE FROM leases WHERE kind = 'image' AND created_at_ms < ?").run(Date.now() - IMAGE_LEASE_MS)
  const rows = database.prepare('SELECT DISTINCT key FROM leases WHERE kind = ?').all(kind) as { key: string }[]
  return new Set(rows.map((row) => row.key))
}

interface HolderRow {
  readonly pid: number
  readonly start_time: number
}
