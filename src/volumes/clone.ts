/** `volume clone`. */
import { renameSync } from 'node:fs'
import { applySink } from '../archive/tree-sinks.ts'
import { openApplier } from '../linux/apply.ts'
import { readTree } from '../linux/archive.ts'
import { userIdMaps } from '../linux/id-mappings.ts'
import { removeFiles } from '../linux/remove-files.ts'
import { volumeDirectory } from '../paths.ts'
import { transaction } from '../state/database.ts'
import { VolumeExists } from './errors.ts'
import { findLocal } from './find.ts'
import { makeRoom } from './leftovers.ts'
import { checkVolumeName } from './names.ts'
import { forgetRemoved, insertVolume, markRemoved, readVolume } from './records.ts'
import { makeDirectory, type VolumeRoom, volumePath } from './room.ts'
import { holdVolumes } from './settle.ts'

export interface CloneRequest {
  readonly from: string
  readonly to: string
  readonly signal: AbortSignal | undefined
}

/** See `VolumeEngine.clone`. Until all is copied the new directory counts as a removed volume's: a cut leaves nothing. */
export async function cloneVolume(room: VolumeRoom, { from, to, signal }: CloneRequest): Promise<void> {
  const { database, paths } = room
  checkVolumeName(to)
  findLocal(room, from)
  if (from === to) throw new VolumeExists(to)
  using _held = await holdVolumes(room, from, to)
  const { driver, labels } = findLocal(room, from)
  if (readVolume(database, to) !== undefined) throw new VolumeExists(to)
  await makeRoom(room, to)
  markRemoved(database, to)
  const home = volumeDirectory(paths, to)
  try {
    const part = makeDirectory(paths, to, 'part')
    await copyTree(volumePath(paths, from), part, signal)
    renameSync(part, volumePath(paths, to))
  } catch (error) {
    await removeFiles(home)
    forgetRemoved(database, to)
    throw error
  }
  transaction(database, () => {
    insertVolume(database, { name: to, driver, labels, options: {}, anonymous: false, createdAtMs: Date.now() })
    forgetRemoved(database, to)
  })
}

/** Names and attributes go through here, content from file to file. */
async function copyTree(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const idMaps = userIdMaps()
  await using applier = openApplier(to, { idMaps, source: from })
  const sink = applySink(applier, {
    place: (path) => path,
    attributes: (entry) => entry,
    keepXattr: () => true,
    fromSource: true,
  })
  await readTree(from, '', { follow: false, content: false, idMaps, sink, signal })
  await applier.finish()
}
