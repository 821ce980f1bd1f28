/** Volumes that nobody has named, and that go with their container. */
import { deleteVolume, readVolume, usersOf, usesBy } from '../volumes/records.ts'
import type { ContainerRoom } from './room.ts'

export function anonymousVolumes({ database }: ContainerRoom, container: string): readonly string[] {
  const names = usesBy(database, container).map(({ volume }) => volume)
  return [...new Set(names)].filter((name) => readVolume(database, name)?.anonymous === true)
}

/**
 * Those that another container has by `--volumes-from` stay. Within a write transaction of the caller.
 *
 * @returns whether there are directories to be removed
 */
export function forgetUnused({ database }: ContainerRoom, names: readonly string[]): boolean {
  let found = false
  for (const name of names) {
    const volume = readVolume(database, name)
    if (volume === undefined || usersOf(database, name).length > 0) continue
    deleteVolume(database, volume)
    found = true
  }
  return found
}
