/** What builds have fetched, kept below the data root until it is pruned. */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { openLease } from '../../images/leases.ts'
import { removeTree } from '../../linux/remove-tree.ts'
import type { Paths } from '../../paths.ts'
import type { Database } from '../../state/database.ts'
import { acquireLock } from '../../state/lock.ts'
import { freshDirectory, makeScratch, prepareScratch } from '../scratch.ts'
import { withinLimit } from './size-limit.ts'

export interface SourceStore {
  readonly database: Database
  readonly paths: Paths
}

export interface Keeping {
  /** What is kept from a prune until the build has ended is let go by this. */
  readonly cleanup: AsyncDisposableStack
  readonly signal: AbortSignal
}

export interface NewSource {
  /** 64 hexadecimal digits: the digest of all that the content depends on. */
  readonly key: string
  readonly kind: SourceRow['kind']
  /** For people. */
  readonly description: string
  /** Fills the fresh directory; ends when the signal says so. */
  readonly make: (directory: string, signal: AbortSignal) => Promise<void>
}

export interface SourceRow {
  readonly key: string
  readonly kind: 'source.git.checkout' | 'source.http' | 'source.http.archive'
  readonly description: string
  readonly size_bytes: number
  readonly created_at_ms: number
  readonly used_at_ms: number
  readonly uses: number
}

/**
 * The directory of a source, made where it is not there yet; of two builds that want it at once the second waits. It stays
 * until the build has ended, and then until it is pruned; nobody writes to it.
 *
 * @throws {SourceFailed} it is larger than anybody wants
 */
export async function keepSource(store: SourceStore, source: NewSource, keeping: Keeping): Promise<string> {
  const known = findSource(store, source.key, keeping)
  if (known !== undefined) return known
  using _ = await acquireLock(store.database, lockName(source.key), { signal: keeping.signal })
  return findSource(store, source.key, keeping) ?? (await makeSource(store, source, keeping.signal))
}

/** @returns undefined: it is not there */
export function findSource({ database, paths }: SourceStore, key: string, { cleanup }: Keeping): string | undefined {
  // Leased first, looked at then: a prune may come between.
  cleanup.use(openLease(database)).add('source', [key])
  const directory = sourceDirectory(paths, key)
  const touched = database
    .prepare('UPDATE build_sources SET used_at_ms = ?, uses = uses + 1 WHERE key = ?')
    .run(Date.now(), key)
  return Number(touched.changes) > 0 && existsSync(directory) ? directory : undefined
}

async function makeSource({ database, paths }: SourceStore, source: NewSource, signal: AbortSignal): Promise<string> {
  const { key, kind, description, make } = source
  const home = sourceDirectory(paths, key)
  await removeTree(home)
  await prepareScratch(paths)
  await using scratch = makeScratch(paths)
  const fresh = join(scratch.path, 'source')
  freshDirectory(fresh, 0o755)
  const sizeBytes = await withinLimit(fresh, { what: description, signal }, (limited) => make(fresh, limited))
  mkdirSync(sourcesDirectory(paths), { recursive: true, mode: 0o700 })
  renameSync(fresh, home)
  database
    .prepare(`INSERT OR REPLACE INTO build_sources (key, kind, description, size_bytes, created_at_ms, used_at_ms)
      VALUES (?, ?, ?, ?, ?, ?)`)
    .run(key, kind, description, sizeBytes, Date.now(), Date.now())
  return home
}

export const lockName = (key: string): string => `build-source:${key}`

const sourcesDirectory = (paths: Paths): string => join(paths.root, 'build', 'sources')

export function sourceDirectory(paths: Paths, key: string): string {
  return join(sourcesDirectory(paths), key)
}

/** Latest used first. */
export function sourceRows(database: Database): readonly SourceRow[] {
  return database.prepare('SELECT * FROM build_sources ORDER BY used_at_ms DESC').all() as unknown as SourceRow[]
}

/** Keys of what is on the disk, known or not. */
export function keysOnDisk(paths: Paths): readonly string[] {
  try {
    return readdirSync(sourcesDirectory(paths))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
