/** Volumes that nobody has named, and that go with their container. */
import { VolumeInUse, VolumeNotFound } from '../volumes/errors.ts'
import { readVolume, usesBy } from '../volumes/records.ts'
import type { ContainerRoom } from './room.ts'

export function anonymousVolumes({ database }: ContainerRoom, container: string): readonly string[] {
  const names = usesBy(database, container).map(({ volume }) => volume)
  return [...new Set(names)].filter((name) => readVolume(database, name)?.anonymous === true)
}

/** Those that another container has by `--volumes-from` stay. */
export async function removeUnused(room: ContainerRoom, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const { removeVolume } = await import('../volumes/store.ts')
  for (const name of names) {
    try {
      await removeVolume(room, name)
    } catch (error) {
      if (!(error instanceof VolumeInUse) && !(error instanceof VolumeNotFound)) throw error
    }
  }
}
