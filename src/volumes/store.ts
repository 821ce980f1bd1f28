/** Volumes on disk and in the database. A row is there only while its directory is; a directory alone is nobody's. */
import { CoracleError, InvalidArgument } from '../errors.ts'
import type { VolumeDriver } from '../plugins/drivers.ts'
import { transaction } from '../state/database.ts'
import { randomHex } from '../util/random.ts'
import { VolumeConflict, VolumeInUse, VolumeNotFound } from './errors.ts'
import { makeRoom, removeLeftFiles } from './leftovers.ts'
import { checkVolumeName } from './names.ts'
import { checkOptions, sameOptions } from './options.ts'
import {
  deleteVolume,
  forgetRemoved,
  insertVolume,
  insertVolumeEvent,
  markRemoved,
  readVolume,
  usersOf,
} from './records.ts'
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
  if (driver === 'local') checkOptions(options)
  else await requireDriver(paths, driver)
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
  if (driver !== 'local') await (await openDriver(paths, driver)).create({ name, options, labels })
  transaction(database, () => {
    insertVolume(database, volume)
    forgetRemoved(database, name)
  })
  return volume
}

/** See `VolumeEngine.remove`. */
export async function removeVolume(
  room: VolumeRoom,
  name: string,
  { force = false }: { readonly force?: boolean } = {},
): Promise<void> {
  const { database } = room
  {
    using _lock = await holdVolumes(room, name)
    await (force ? forgetForeign : removeForeign)(room, name)
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

async function openDriver(paths: VolumeRoom['paths'], driver: string): Promise<VolumeDriver> {
  const { openVolumeDriver } = await import('../plugins/npm/drivers.ts')
  return openVolumeDriver(paths, driver)
}

async function requireDriver(paths: VolumeRoom['paths'], driver: string): Promise<void> {
  const { driverNames, hasDriver } = await import('../plugins/npm/drivers.ts')
  if (hasDriver(paths, 'volumeDrivers', driver)) return
  const others = driverNames(paths, 'volumeDrivers')
  throw new InvalidArgument(`error looking up volume plugin ${driver}: plugin "${driver}" not found`, {
    hint: others.length === 0 ? 'the driver there is: local' : `the drivers there are: local, ${others.join(', ')}`,
  })
}

/** What its driver keeps goes first: a volume that is on record can be removed again. */
async function removeForeign({ paths, database }: VolumeRoom, name: string): Promise<void> {
  const volume = readVolume(database, name)
  if (volume === undefined || volume.driver === 'local' || usersOf(database, name).length > 0) return
  await (await openDriver(paths, volume.driver)).remove(volume)
}

/** The same for one that shall go whatever its driver says, of which there is word in the events. */
async function forgetForeign(room: VolumeRoom, name: string): Promise<void> {
  try {
    await removeForeign(room, name)
  } catch (error) {
    if (!(error instanceof CoracleError)) throw error
    const driver = readVolume(room.database, name)?.driver ?? ''
    const words = { action: 'remove_failed', driver, reason: error.message }
    transaction(room.database, () => insertVolumeEvent(room.database, name, words))
  }
}
