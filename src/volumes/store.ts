/** Volumes on disk and in the database. A row is there only while its directory is; a directory alone is nobody's. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { InvalidArgument } from '../errors.ts'
import { removeFiles } from '../linux/remove-files.ts'
import { volumeDirectory } from '../paths.ts'
import { transaction } from '../state/database.ts'
import type { Lock } from '../state/lock.ts'
import { setAside } from '../state/lost-and-found.ts'
import { VolumeConflict, VolumeInUse, VolumeNotFound } from './errors.ts'
import { checkVolumeName } from './names.ts'
import {
  deleteVolume,
  forgetRemoved,
  insertVolume,
  listRemoved,
  readVolume,
  usersOf,
  volumeMovedFrom,
} from './records.ts'
import { lockVolume, type VolumeRoom, volumePath } from './room.ts'
import { settleHeld, settleRenames } from './settle.ts'
import type { NewVolume, VolumeRecord } from './types.ts'

const OPTIONS = new Set(['type', 'device', 'o'])

/** See `VolumeEngine.create`. */
export async function createVolume({ paths, database }: VolumeRoom, asked: NewVolume): Promise<VolumeRecord> {
  const anonymous = asked.name === ''
  const name = anonymous ? randomBytes(32).toString('hex') : asked.name
  const { driver = 'local', labels = {}, options = {} } = asked
  checkVolumeName(name)
  checkOptions(driver, options)
  using _lock = await lockName({ paths, database }, name)
  const found = readVolume(database, name)
  if (found !== undefined) {
    if (Object.keys(options).length > 0 && !sameOptions(options, found.options)) throw new VolumeConflict(name)
    return found
  }
  await makeRoom({ paths, database }, name)
  mkdirSync(volumePath(paths, name), { recursive: true })
  const volume = { name, driver, labels, options, anonymous, createdAtMs: Date.now() }
  transaction(database, () => insertVolume(database, volume))
  return volume
}

/** Held, with nothing in the way that a command which was killed has left. */
async function lockName(room: VolumeRoom, name: string): Promise<Lock> {
  for (;;) {
    await settleRenames(room, name)
    using held = new DisposableStack()
    const lock = held.use(await lockVolume(room.database, name))
    if (volumeMovedFrom(room.database, name) !== undefined) continue
    const found = readVolume(room.database, name)
    if (found !== undefined) await settleHeld(room, found)
    held.move()
    return lock
  }
}

/** A removal that was cut short has left something there, or somebody's data that a lost database no longer names. */
async function makeRoom({ paths, database }: VolumeRoom, name: string): Promise<void> {
  const directory = volumeDirectory(paths, name)
  if (!existsSync(directory)) return
  if (listRemoved(database).includes(name)) await removeFiles(directory)
  else setAside(paths, directory, `volume-${name}`)
}

function checkOptions(driver: string, options: Readonly<Record<string, string>>): void {
  if (driver !== 'local')
    throw new InvalidArgument(`error looking up volume plugin ${driver}: plugin "${driver}" not found`, {
      hint: 'the driver there is: local',
    })
  const unknown = Object.keys(options).find((key) => !OPTIONS.has(key))
  if (unknown !== undefined) throw new InvalidArgument(`invalid option: "${unknown}"`, { hint: 'use type, device, o' })
  if (Object.keys(options).length === 0) return
  for (const key of ['type', 'device'])
    if ((options[key] ?? '') === '') throw new InvalidArgument(`missing required option: "${key}"`)
}

function sameOptions(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].every((key) => one[key] === other[key])
}

/** See `VolumeEngine.remove`. */
export async function removeVolume(room: VolumeRoom, name: string): Promise<void> {
  const { database } = room
  {
    using _lock = await lockName(room, name)
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

/** Directories of volumes that are no longer on record, also those of a removal that was cut short. */
export async function removeLeftFiles({ paths, database }: VolumeRoom): Promise<void> {
  for (const name of listRemoved(database)) {
    using _lock = await lockVolume(database, name)
    // Another volume may have got the name meanwhile; it has made room for itself.
    if (readVolume(database, name) === undefined) await removeFiles(volumeDirectory(paths, name))
    forgetRemoved(database, name)
  }
}
