/** Directories that no volume has any more. */
import { existsSync } from 'node:fs'
import { removeFiles } from '../linux/remove-files.ts'
import { volumeDirectory } from '../paths.ts'
import { tryLock } from '../state/lock.ts'
import { setAside } from '../state/lost-and-found.ts'
import { forgetRemoved, listRemoved, readVolume } from './records.ts'
import type { VolumeRoom } from './room.ts'

/** Those of volumes that have been removed, also by a command that was cut short. Whose name is held is left to the holder. */
export async function removeLeftFiles({ paths, database }: VolumeRoom): Promise<void> {
  for (const name of listRemoved(database)) {
    using lock = tryLock(database, `volume:${name}`)
    if (lock === undefined) continue
    // Another volume may have got the name meanwhile; it has made room for itself.
    if (readVolume(database, name) === undefined) await removeFiles(volumeDirectory(paths, name))
    forgetRemoved(database, name)
  }
}

/**
 * For a new volume, by who holds its name: what is in the way was left by a removal, or is somebody's data that a lost
 * database no longer names.
 */
export async function makeRoom({ paths, database }: VolumeRoom, name: string): Promise<void> {
  const directory = volumeDirectory(paths, name)
  if (!existsSync(directory)) return
  if (listRemoved(database).includes(name)) await removeFiles(directory)
  else setAside(paths, directory, `volume-${name}`)
}
