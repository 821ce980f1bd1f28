/** Content for a volume that is still empty: all of it, or nothing. */
import { readdirSync, renameSync } from 'node:fs'
import { transaction } from '../state/database.ts'
import { usersOf } from './records.ts'
import { makeDirectory, type VolumeRoom, volumePath } from './room.ts'
import { filledPath, settleHeld } from './settle.ts'
import type { VolumeRecord } from './types.ts'

export interface Filling {
  readonly write: (directory: string) => Promise<void>
  readonly before?: string
}

/**
 * By who holds the volume. A cut at any point leaves the volume empty, or full as soon as somebody looks at it. One that
 * containers have mounted keeps its directory, and gets what they have not made themselves meanwhile.
 *
 * @param filling.write - fills an empty directory, which becomes that of the volume with its owner and mode
 * @param filling.before - a container that has the volume and is about to start: it sees the directory that is there then
 * @returns false: it is not empty, or an ordinary user's containers have it mounted
 */
export async function fillVolume(room: VolumeRoom, volume: VolumeRecord, { write, before }: Filling): Promise<boolean> {
  await settleHeld(room, volume)
  const path = volumePath(room.paths, volume.name)
  const isMounted = () => usersOf(room.database, volume.name).some(({ id, mounted }) => mounted && id !== before)
  // Files of an ordinary user's other users cannot be moved one by one.
  const movable = process.geteuid?.() === 0
  if (!isEmpty(path) || (isMounted() && !movable)) return false
  const part = makeDirectory(room.paths, volume.name, 'part')
  await write(part)
  // In a transaction: no container that has it starts between the look and the change.
  const done = transaction(room.database, () => {
    if (!isMounted()) return renameIfEmpty(part, path)
    if (!movable) return false
    renameSync(part, filledPath(room, volume.name))
    return true
  })
  await settleHeld(room, volume)
  return done
}

/** What another user of an ordinary user's namespace has closed was filled before. */
function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    return false
  }
}

/** The rename refuses a directory that is not empty: somebody outside has been writing into it. */
function renameIfEmpty(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    return false
  }
}
