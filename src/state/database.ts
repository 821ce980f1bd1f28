/** Opens the state database: one SQLite file in WAL mode, shared by every Coracle process of this data root. */
import { chmodSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { explainDataRoot, makeDataRoot } from './data-root.ts'
import { migrate } from './migrate.ts'
import { keepReserve, releaseReserve } from './reserve.ts'

export type Database = DatabaseSync

/** How long a writer waits for another one before it gives up. */
const BUSY_TIMEOUT_MS = 30_000

/**
 * Opens and, where needed, creates or migrates the database. The caller closes it.
 *
 * @param path - the file; its directory is made with mode 0711 when missing
 * @throws {StateTooNew} a newer Coracle wrote it @throws {DataRootUnusable} it cannot be written
 */
export function openDatabase(path: string): Database {
  const root = dirname(path)
  makeDataRoot(root)
  const database = openDespiteFullDisk(path, root)
  keepReserve(root)
  return database
}

function openDespiteFullDisk(path: string, root: string): Database {
  try {
    return openFile(path)
  } catch (error) {
    if (!isDatabaseFull(error) || !releaseReserve(root)) throw explainDataRoot(error, root)
    return openFile(path)
  }
}

function openFile(path: string): Database {
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
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

const SQLITE_IOERR = 10
const SQLITE_FULL = 13

/**
 * Did SQLite fail because the disk is full? It says so, or that it cannot write, or not make its shared memory larger
 * (SQLITE_IOERR with its sub-codes).
 */
export function isDatabaseFull(error: unknown): boolean {
  const { errcode } = (error ?? {}) as { readonly errcode?: number }
  return errcode === SQLITE_FULL || (errcode !== undefined && FULL_IO_ERRORS.has(errcode))
}

/** WRITE, FSYNC, TRUNCATE, SHMOPEN, SHMSIZE, SHMMAP (sqlite3.h): without space, each of them may be what fails. */
const FULL_IO_ERRORS: ReadonlySet<number> = new Set([3, 4, 6, 18, 19, 21].map((code) => SQLITE_IOERR | (code << 8)))
