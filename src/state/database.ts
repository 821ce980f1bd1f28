/** Opens the state database: one SQLite file in WAL mode, shared by every Coracle process of this data root. */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { migrate } from './migrate.ts'

export type Database = DatabaseSync

/** How long a writer waits for another one before it gives up. */
const BUSY_TIMEOUT_MS = 30_000

/**
 * Opens and, where needed, creates or migrates the database. The caller closes it.
 *
 * @param path - the file; its directory is made with mode 0711 when missing
 * @throws {StateTooNew} a newer Coracle wrote it
 */
export function openDatabase(path: string): Database {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 })
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
  try {
    // WAL lets `ps` read while `run` writes; NORMAL loses at most the last commits at a power cut, never consistency.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    migrate(database)
    chmodSync(path, 0o600)
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/**
 * Runs `work` in one write transaction: all of it is stored, or, when it throws, nothing. Takes the write lock at once,
 * so that what `work` reads cannot change before it writes. Must not be nested, and `work` must not await.
 */
export function transaction<Result>(database: Database, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

const SQLITE_FULL = 13

/** Did SQLite fail because the disk is full? */
export function isDatabaseFull(error: unknown): boolean {
  return (error as { readonly errcode?: number } | undefined)?.errcode === SQLITE_FULL
}
