/** Named locks between Coracle processes, as rows of the state database. The lock of a dead process is taken over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, type ProcessIdentity, readProcessIdentity } from '../util/process-identity.ts'
import { randomHex } from '../util/random.ts'
import { type Database, isDatabaseFull, transaction } from './database.ts'

export interface Lock {
  readonly name: string
  /** Lets the next one in. Idempotent; does nothing when the lock has meanwhile gone to somebody else. */
  release(): void
  [Symbol.dispose](): void
}

export interface LockOptions {
  /** Called once, when somebody else holds the lock and the waiting starts. */
  readonly onWait?: () => void
  readonly signal?: AbortSignal | undefined
}

const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 200

/**
 * Waits until nobody alive holds `name`, then holds it. Not reentrant: a second call in the same process waits for the first.
 *
 * @throws the reason of `signal` when it is aborted while waiting
 */
export async function acquireLock(database: Database, name: string, options: LockOptions = {}): Promise<Lock> {
  let pauseMs = FIRST_PAUSE_MS
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted()
    const lock = tryLock(database, name)
    if (lock !== undefined) return lock
    if (attempt === 0) options.onWait?.()
    await sleep(pauseMs * (0.75 + Math.random() / 2)) // jitter: many waiters shall not ask in step
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  }
}

/** The lock, or undefined when a live process (or another part of this one) holds it. */
export function tryLock(database: Database, name: string): Lock | undefined {
  return transaction(database, () => tryLockInside(database, name))
}

/** The same for callers that are in a write transaction already. */
export function tryLockInside(database: Database, name: string): Lock | undefined {
  const row = database.prepare('SELECT * FROM locks WHERE name = ?').get(name) as LockRow | undefined
  const held = row !== undefined && !orphaned.has(row.holder) && isAlive({ pid: row.pid, startTime: row.start_time })
  if (held) return undefined
  const holder = randomHex(16)
  const { pid, startTime } = thisProcess()
  database
    .prepare('INSERT OR REPLACE INTO locks (name, holder, pid, start_time, acquired_at_ms) VALUES (?, ?, ?, ?, ?)')
    .run(name, holder, pid, startTime, Date.now())
  return openLock(database, name, holder)
}

interface LockRow {
  readonly holder: string
  readonly pid: number
  readonly start_time: number
}

function openLock(database: Database, name: string, holder: string): Lock {
  const release = () => {
    // A database that is closed already belongs to a process on its way out: the next one takes the lock over.
    if (!database.isOpen) return
    try {
      database.prepare('DELETE FROM locks WHERE name = ? AND holder = ?').run(name, holder)
    } catch (error) {
      // Whoever ran into the full disk shall hear of that, not of its echo here.
      if (!isDatabaseFull(error)) throw error
      orphaned.add(holder)
    }
  }
  return { name, release, [Symbol.dispose]: release }
}

/** Holders in this process that are done, but whose rows a full disk did not let go. */
const orphaned = new Set<string>()

let identity: ProcessIdentity | undefined

/** Who this process is, for rows that must not outlive it. */
export function thisProcess(): ProcessIdentity {
  identity ??= readProcessIdentity(process.pid)
  if (identity === undefined) throw new Error('/proc does not show this process')
  return identity
}
