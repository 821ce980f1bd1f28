/** Directories of `RUN --mount=type=cache`: kept between builds, in no layer and no image. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import type { Paths } from '../../paths.ts'
import type { Database } from '../../state/database.ts'
import { acquireLock, type Lock, tryLock } from '../../state/lock.ts'
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
  using _ = await acquireLock(database, `build-mount-made:${key}`, { signal })
  if (!existsSync(directory)) await make(paths, directory, request)
  database
    .prepare(`INSERT INTO build_mounts (key, id, created_at_ms, used_at_ms, uses) VALUES (?, ?, ?, ?, 1)
      ON CONFLICT (key) DO UPDATE SET used_at_ms = excluded.used_at_ms, uses = uses + 1`)
    .run(key, request.id, Date.now(), Date.now())
  return join(directory, DATA)
}

const DATA = 'data'

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
  if (sharing === 'shared') return keyOf(id, 0)
  if (sharing === 'locked') {
    keep(await acquireLock(database, `build-mount:${keyOf(id, 0)}`, { signal }))
    return keyOf(id, 0)
  }
  for (let number = 0; ; number += 1) {
    const lock = tryLock(database, `build-mount:${keyOf(id, number)}`)
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
