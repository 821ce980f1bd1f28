/** Volumes against their directories. What may be somebody's data is set aside, never removed. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { volumeDirectory } from '../paths.ts'
import { type CheckOptions, type Finding, mendable, type RoomReport } from '../state/findings.ts'
import { setAside } from '../state/lost-and-found.ts'
import { removeLeftFiles } from './leftovers.ts'
import { listRemoved, listVolumes, readVolume } from './records.ts'
import { makeDirectory, type VolumeRoom, volumePath } from './room.ts'
import { holdVolumes } from './settle.ts'

/** Safe beside any other command: each volume is held while it is looked at. */
export async function checkVolumes(room: VolumeRoom, options: CheckOptions): Promise<RoomReport> {
  const home = join(room.paths.root, 'volumes')
  const names = new Set([
    ...(existsSync(home) ? readdirSync(home) : []),
    ...listVolumes(room.database).map(({ name }) => name),
  ])
  const findings: Finding[] = []
  if (options.repair) await removeLeftFiles(room)
  for (const name of names) {
    options.signal?.throwIfAborted()
    using _lock = await holdVolumes(room, name)
    const finding = await checkVolume(room, name, options)
    if (finding !== undefined) findings.push(finding)
  }
  return { checked: {}, findings }
}

async function checkVolume(room: VolumeRoom, name: string, options: CheckOptions): Promise<Finding | undefined> {
  const { paths, database } = room
  const path = volumePath(paths, name)
  const directory = volumeDirectory(paths, name)
  if (readVolume(database, name) !== undefined) {
    if (existsSync(path)) return undefined
    const finding = { kind: 'missing-files' as const, subject: path, problem: 'the files of this volume are gone' }
    return mendable(options, { ...finding, repair: 'made anew, empty' }, async () => {
      makeDirectory(paths, name, '_data')
      return true
    })
  }
  if (!existsSync(directory) || listRemoved(database).includes(name)) return undefined
  const finding = { kind: 'orphaned-files' as const, subject: directory, problem: 'no volume has this directory' }
  return mendable(options, { ...finding, repair: 'moved to lost+found' }, async () => {
    return `moved to ${setAside(paths, directory, `volume-${name}`)}`
  })
}
