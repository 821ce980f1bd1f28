/** What every part of the volume room works with. */
import { join } from 'node:path'
import { type Paths, volumeDirectory } from '../paths.ts'
import type { Database } from '../state/database.ts'
import { acquireLock, type Lock } from '../state/lock.ts'

export interface VolumeRoom {
  readonly paths: Paths
  readonly database: Database
}

/** What a container sees of the volume. */
export function volumePath(paths: Paths, name: string): string {
  return join(volumeDirectory(paths, name), '_data')
}

/** Held while the directory is made, filled or removed. */
export function lockVolume(database: Database, name: string): Promise<Lock> {
  return acquireLock(database, `volume:${name}`)
}
