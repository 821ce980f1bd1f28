/** `volume rename`. */
import { transaction } from '../state/database.ts'
import { VolumeElsewhere, VolumeExists, VolumeInUse } from './errors.ts'
import { findVolume } from './find.ts'
import { makeRoom } from './leftovers.ts'
import { checkVolumeName } from './names.ts'
import { forgetRemoved, moveVolume, readVolume, usersOf } from './records.ts'
import type { VolumeRoom } from './room.ts'
import { holdVolumes, settleHeld } from './settle.ts'

/** See `VolumeEngine.rename`. The row first; the directory follows, if need be by whoever uses the volume next. */
export async function renameVolume(room: VolumeRoom, from: string, to: string): Promise<void> {
  const { database } = room
  checkVolumeName(to)
  const { driver } = findVolume(room, from)
  if (driver !== 'local') throw new VolumeElsewhere(from, driver) // which knows it by its name
  if (from === to) throw new VolumeExists(to)
  using _held = await holdVolumes(room, from, to)
  if (readVolume(database, to) === undefined) await makeRoom(room, to)
  transaction(database, () => {
    findVolume(room, from)
    if (readVolume(database, to) !== undefined) throw new VolumeExists(to)
    const busy = usersOf(database, from).filter((user) => user.busy)
    if (busy.length > 0) throw new VolumeInUse(`rename ${from}`, busy)
    moveVolume(database, from, to)
    forgetRemoved(database, to)
  })
  await settleHeld(room, findVolume(room, to))
}
