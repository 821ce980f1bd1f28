/** Volumes by name. */
import { VolumeElsewhere, VolumeNotFound } from './errors.ts'
import { readVolume } from './records.ts'
import type { VolumeRoom } from './room.ts'
import type { VolumeRecord } from './types.ts'

/** @throws {VolumeNotFound} */
export function findVolume({ database }: VolumeRoom, name: string): VolumeRecord {
  const volume = readVolume(database, name)
  if (volume === undefined) throw new VolumeNotFound(name)
  return volume
}

/** One whose data are in its directory. @throws {VolumeNotFound} @throws {VolumeElsewhere} */
export function findLocal(room: VolumeRoom, name: string): VolumeRecord {
  const volume = findVolume(room, name)
  if (volume.driver !== 'local') throw new VolumeElsewhere(name, volume.driver)
  const type = volume.options['type']
  if (type !== undefined) throw new VolumeElsewhere(name, type)
  return volume
}
