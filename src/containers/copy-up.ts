/** What an image has where a volume is mounted: copied into a volume that is still empty, as a whole or not at all. */
import { applySink, TYPE } from '../archive/tree-sinks.ts'
import { byteString, openApplier } from '../linux/apply.ts'
import { readMerged, type TreeSink } from '../linux/archive.ts'
import { userIdMaps } from '../linux/id-mappings.ts'
import type { RootFilesystem } from '../plugins/contract.ts'
import { fillVolume } from '../volumes/fill.ts'
import { lockVolume } from '../volumes/room.ts'
import type { VolumeRecord } from '../volumes/types.ts'
import type { ContainerRoom } from './room.ts'
import { findInLayers } from './spec/layer-files.ts'

export interface Place {
  readonly container: string
  readonly volume: VolumeRecord
  /** Where the container has it. */
  readonly target: string
}

/** Owners, modes, times, attributes, links and holes are kept. The container does not run yet. */
export async function copyUp(
  room: ContainerRoom,
  { container, volume, target }: Place,
  rootfs: RootFilesystem,
): Promise<void> {
  if (rootfs.kind !== 'layers') return
  const from = findDirectory(rootfs.lower, target)
  if (from === undefined) return
  using _lock = await lockVolume(room.database, volume.name)
  const write = async (directory: string) => {
    const idMaps = userIdMaps()
    await using applier = openApplier(directory, { idMaps })
    const sink = applySink(applier, { place: (path) => path, attributes: (entry) => entry, keepXattr: () => true })
    await readMerged(rootfs.lower, { from: byteString(from), idMaps, sink: withoutDevices(sink) })
    await applier.finish()
  }
  await fillVolume(room, volume, { write, before: container })
}

/** With links resolved, where this user may look: what an image has closed to others is taken for a path without links. */
function findDirectory(layers: readonly string[], target: string): string | undefined {
  try {
    const found = findInLayers(layers, target)
    return found?.stats.isDirectory() ? found.relative : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    return target.slice(1)
  }
}

/** Those of an image mean nothing in a volume, and are nothing to keep for ever. */
function withoutDevices(sink: TreeSink): TreeSink {
  const isDevice = (mode: number) => [TYPE.character, TYPE.block].some((type) => type === (mode & TYPE.mask))
  return {
    ...sink,
    entry: (entry) => {
      if (!isDevice(entry.mode)) sink.entry(entry)
    },
  }
}
