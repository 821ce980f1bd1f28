/** `volume export` and `volume import`: the content of a volume as a tar stream. */
import type { Readable } from 'node:stream'
import { extractTar } from '../archive/extract-tar.ts'
import { tarSink } from '../archive/tar-sink.ts'
import { openApplier } from '../linux/apply.ts'
import { readTree } from '../linux/archive.ts'
import { userIdMaps } from '../linux/id-mappings.ts'
import { VolumeInUse } from './errors.ts'
import { fillVolume } from './fill.ts'
import { findLocal } from './find.ts'
import { readVolume, usersOf } from './records.ts'
import { type VolumeRoom, volumePath } from './room.ts'
import { holdVolumes } from './settle.ts'
import { createVolume } from './store.ts'

export interface ExportOptions {
  readonly output: NodeJS.WritableStream
  readonly signal: AbortSignal | undefined
}

/** See `VolumeEngine.export`. */
export async function exportVolume(room: VolumeRoom, name: string, { output, signal }: ExportOptions): Promise<void> {
  findLocal(room, name)
  using _held = await holdVolumes(room, name)
  findLocal(room, name)
  const sink = tarSink(output, { place: (path) => (path === '' ? './' : path) })
  await readTree(volumePath(room.paths, name), '', { follow: false, idMaps: userIdMaps(), sink, signal })
  await sink.finish()
}

export interface ImportOptions {
  readonly input: Readable
  readonly signal: AbortSignal | undefined
}

/** See `VolumeEngine.import`. An empty volume gets all of it or nothing; otherwise what is there stays, but for what is replaced. */
export async function importVolume(room: VolumeRoom, name: string, options: ImportOptions): Promise<void> {
  if (readVolume(room.database, name) === undefined) await createVolume(room, { name })
  findLocal(room, name)
  using _held = await holdVolumes(room, name)
  const volume = findLocal(room, name)
  let started = false
  const write = (directory: string) => {
    started = true
    return extract(directory, options)
  }
  const filled = await fillVolume(room, volume, { write })
  if (filled) return
  // Somebody has taken it while the archive was read, which cannot be read twice.
  if (started) throw new VolumeInUse(`import ${name}`, usersOf(room.database, name))
  await extract(volumePath(room.paths, name), options)
}

/** What a container puts in the way meanwhile leads nowhere else. */
async function extract(directory: string, { input, signal }: ImportOptions): Promise<void> {
  await using applier = openApplier(directory, { idMaps: userIdMaps() })
  applier.merge()
  await extractTar(input, applier, { place: (path) => path, onBytes: () => {}, signal })
  await applier.finish()
}
