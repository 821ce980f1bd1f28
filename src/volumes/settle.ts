/** What a command that was killed has left half done: the next one that comes by finishes it. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { removeFiles } from '../linux/remove-files.ts'
import { volumeDirectory } from '../paths.ts'
import { clearMovedFrom, readVolume, volumeMovedFrom } from './records.ts'
import { lockVolume, type VolumeRoom, volumePath } from './room.ts'
import type { VolumeRecord } from './types.ts'

/** Beside `_data`: content that is being written, by who holds the volume. */
export function partPath(room: VolumeRoom, name: string): string {
  return join(volumeDirectory(room.paths, name), 'part')
}

/** Beside `_data`: content that is complete, and on its way into the volume. */
export function filledPath(room: VolumeRoom, name: string): string {
  return join(volumeDirectory(room.paths, name), 'filled')
}

/**
 * Held, with nothing in the way that a command which was killed has left. Several in an order that all keep; renames are
 * settled while nothing is held, because that takes other locks.
 */
export async function holdVolumes(room: VolumeRoom, ...names: readonly string[]): Promise<DisposableStack> {
  const { database } = room
  for (;;) {
    for (const name of names) await settleRenames(room, name)
    using held = new DisposableStack()
    for (const name of names.toSorted()) held.use(await lockVolume(database, name))
    if (names.some((name) => volumeMovedFrom(database, name) !== undefined)) continue
    for (const name of names) {
      const found = readVolume(database, name)
      if (found !== undefined) await settleHeld(room, found)
    }
    return held.move()
  }
}

/** Before a volume is used. Cheap where there is nothing to do. */
export async function settleVolume(room: VolumeRoom, volume: VolumeRecord): Promise<void> {
  if (volume.movedFrom === undefined && !existsSync(filledPath(room, volume.name))) return
  using _lock = await lockVolume(room.database, volume.name)
  await settleHeld(room, volume)
}

/** The same for who holds the volume. Idempotent. */
export async function settleHeld(room: VolumeRoom, { name, movedFrom }: VolumeRecord): Promise<void> {
  if (movedFrom !== undefined) followRename(room, name, movedFrom)
  await removeFiles(partPath(room, name))
  const filled = filledPath(room, name)
  if (!existsSync(filled)) return
  moveInto(filled, volumePath(room.paths, name))
  await removeFiles(filled)
}

/** A rename whose directory still has the old name stands in the way of whoever wants that. */
async function settleRenames(room: VolumeRoom, from: string): Promise<void> {
  const volume = volumeMovedFrom(room.database, from)
  if (volume !== undefined) await settleVolume(room, volume)
}

function followRename({ paths, database }: VolumeRoom, name: string, from: string): void {
  const old = volumeDirectory(paths, from)
  const now = volumeDirectory(paths, name)
  if (existsSync(old) && !existsSync(now)) renameSync(old, now)
  clearMovedFrom(database, name)
}

/**
 * Into a directory that a container is at work in: what it has made meanwhile stays. Only names right below the two
 * directories are touched, which no link in them can lead elsewhere.
 */
function moveInto(from: string, to: string): void {
  for (const name of readdirSync(from)) moveEntry(join(from, name), join(to, name))
  const { uid, gid, mode, atime, mtime } = statSync(from)
  chownSync(to, uid, gid)
  chmodSync(to, mode & 0o7777)
  utimesSync(to, atime, mtime)
}

/** A link first, because a rename would replace a file of that name. */
function moveEntry(from: string, to: string): void {
  try {
    linkSync(from, to)
    unlinkSync(from)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPERM') moveDirectory(from, to)
    else if (code !== 'EEXIST') throw error
  }
}

function moveDirectory(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error
  }
}
