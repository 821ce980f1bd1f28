/** Directories of `RUN --mount=type=cache`: kept between builds, in no layer and no image. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { removeTree } from '../../linux/remove-tree.ts'
import type { Paths } from '../../paths.ts'
import type { Database } from '../../state/database.ts'
import { acquireLock, type Lock, tryLock } from '../../state/lock.ts'
import { randomHex } from '../../util/random.ts'
import { freshDirectory, makeScratch } from '../scratch.ts'
import type { StepOptions } from './options.ts'

export interface CacheMountRequest {
  readonly id: string
  readonly sharing: 'shared' | 'private' | 'locked'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Makes the directory with what it holds at first. */
  readonly seed: ((directory: string) => Promise<void>) | undefined
}

/** @param stack - takes the lock @returns the directory */
export async function openCacheMount(
  { room, signal }: StepOptions,
  request: CacheMountRequest,
  stack: AsyncDisposableStack,
): Promise<string> {
  const { database, paths } = room
  const key = await lockedKey(database, { ...request, signal, stack })
  const directory = cacheMountDirectory(paths, key)
  using _ = await acquireLock(database, madeLock(key), { signal })
  if (!existsSync(directory)) await make(paths, directory, request)
  database
    .prepare(`INSERT INTO build_mounts (key, id, created_at_ms, used_at_ms, uses) VALUES (?, ?, ?, ?, 1)
      ON CONFLICT (key) DO UPDATE SET used_at_ms = excluded.used_at_ms, uses = uses + 1`)
    .run(key, request.id, Date.now(), Date.now())
  return join(directory, DATA)
}

const DATA = 'data'

/** Held while a command has the directory; those that share it hold one each, with an ending of its own. */
const useLock = (key: string): string => `build-mount:${key}`
/** Held while it is made, or removed. */
const madeLock = (key: string): string => `build-mount-made:${key}`

/** Removes the directory, unless a command has it. @returns false: it is in use */
export async function removeCacheMount(database: Database, paths: Paths, key: string): Promise<boolean> {
  using made = tryLock(database, madeLock(key))
  if (made === undefined || isInUse(database, key)) return false
  database.prepare('DELETE FROM build_mounts WHERE key = ?').run(key)
  await removeTree(cacheMountDirectory(paths, key))
  return true
}

function isInUse(database: Database, key: string): boolean {
  const rows = database
    .prepare('SELECT name FROM locks WHERE name = ? OR name GLOB ?')
    .all(useLock(key), `${useLock(key)}:*`)
  return rows.some(({ name }) => {
    using lock = tryLock(database, String(name)) // those of the dead are free
    return lock === undefined
  })
}

export function cacheMountDirectory(paths: Paths, key: string): string {
  return join(paths.root, 'build', 'mounts', key)
}

/** `locked` waits for the one before; `private` takes the first that nobody has. */
async function lockedKey(
  database: Database,
  {
    id,
    sharing,
    signal,
    stack,
  }: CacheMountRequest & { readonly signal: AbortSignal; readonly stack: AsyncDisposableStack },
): Promise<string> {
  const keep = (lock: Lock) => stack.defer(() => lock.release())
  if (sharing === 'shared') {
    const key = keyOf(id, 0)
    keep(await acquireLock(database, `${useLock(key)}:${randomHex(8)}`, { signal }))
    return key
  }
  if (sharing === 'locked') {
    keep(await acquireLock(database, useLock(keyOf(id, 0)), { signal }))
    return keyOf(id, 0)
  }
  for (let number = 0; ; number += 1) {
    const lock = tryLock(database, useLock(keyOf(id, number)))
    if (lock === undefined) continue
    keep(lock)
    return keyOf(id, number)
  }
}

function keyOf(id: string, number: number): string {
  return createHash('sha256')
    .update(JSON.stringify([id, number]))
    .digest('hex')
}

/** Under its name only when it is whole; inside of a directory of ours, for one that belongs to others cannot be moved. */
async function make(paths: Paths, home: string, { mode, uid, gid, seed }: CacheMountRequest): Promise<void> {
  mkdirSync(dirname(home), { recursive: true, mode: 0o700 })
  await using scratch = makeScratch(paths)
  const fresh = join(scratch.path, 'cache')
  freshDirectory(fresh, 0o711)
  if (seed !== undefined) await seed(join(fresh, DATA))
  await using applier = openApplier(fresh, { idMaps: userIdMaps() })
  const nowSeconds = Math.floor(Date.now() / 1000)
  applier.directory(DATA, { mode, uid, gid, mtimeSeconds: nowSeconds, mtimeNanoseconds: 0 })
  await applier.finish()
  renameSync(fresh, home)
}
