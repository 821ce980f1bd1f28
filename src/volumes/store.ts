/** Volumes on disk and in the database. A row is there only while its directory is; a directory alone is nobody's. */
import { transaction } from '../state/database.ts'
import { randomHex } from '../util/random.ts'
import { VolumeConflict, VolumeInUse, VolumeNotFound } from './errors.ts'
import { makeRoom, removeLeftFiles } from './leftovers.ts'
import { checkVolumeName } from './names.ts'
import { checkOptions, sameOptions } from './options.ts'
import { deleteVolume, forgetRemoved, insertVolume, markRemoved, readVolume, usersOf } from './records.ts'
import { makeDirectory, type VolumeRoom } from './room.ts'
import { holdVolumes } from './settle.ts'
import type { NewVolume, VolumeRecord } from './types.ts'

/** docker's mark. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous'

/** See `VolumeEngine.create`. */
export async function createVolume({ paths, database }: VolumeRoom, asked: NewVolume): Promise<VolumeRecord> {
  const anonymous = asked.name === ''
  const name = anonymous ? randomHex(32) : asked.name
  const { driver = 'local', options = {} } = asked
  const labels = anonymous ? { ...asked.labels, [ANONYMOUS_LABEL]: '' } : (asked.labels ?? {})
  checkVolumeName(name)
  checkOptions(driver, options)
  using _lock = await holdVolumes({ paths, database }, name)
  const found = readVolume(database, name)
  if (found !== undefined) {
    if (Object.keys(options).length > 0 && !sameOptions(options, found.options)) throw new VolumeConflict(name)
    return found
  }
  await makeRoom({ paths, database }, name)
  markRemoved(database, name) // until it is on record: a cut leaves nothing that somebody has to look at
  makeDirectory(paths, name, '_data')
  const volume = { name, driver, labels, options, anonymous, createdAtMs: Date.now() }
  transaction(database, () => {
    insertVolume(database, volume)
    forgetRemoved(database, name)
  })
  return volume
}

/** See `VolumeEngine.remove`. */
export async function removeVolume(room: VolumeRoom, name: string): Promise<void> {
  const { database } = room
  {
    using _lock = await holdVolumes(room, name)
    transaction(database, () => {
      const volume = readVolume(database, name)
      if (volume === undefined) throw new VolumeNotFound(name)
      const users = usersOf(database, name)
      if (users.length > 0) throw new VolumeInUse(`remove ${name}`, users)
      deleteVolume(database, volume)
    })
  }
  await removeLeftFiles(room)
}
