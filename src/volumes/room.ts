/** What every part of the volume room works with. */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

/** A directory beside `_data`, or that itself, as anybody in a container may look into it. Idempotent. */
export function makeDirectory(paths: Paths, volume: string, name: '_data' | 'part'): string {
  const home = volumeDirectory(paths, volume)
  // Nobody else of the host may reach a set-user-id program that root in a container has made.
  mkdirSync(dirname(home), { recursive: true, mode: 0o700 })
  chmodSync(dirname(home), 0o700)
  const path = join(home, name)
  if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, 0o755)
  return path
}

/** Held while the directory is made, filled or removed. */
export function lockVolume(database: Database, name: string): Promise<Lock> {
  return acquireLock(database, `volume:${name}`)
}
