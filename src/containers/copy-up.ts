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

/** Owners, modes, times, attributes, links and holes are kept. @param target - where the container has the volume */
export async function copyUp(
  room: ContainerRoom,
  { volume, target }: { readonly volume: VolumeRecord; readonly target: string },
  rootfs: RootFilesystem,
): Promise<void> {
  if (rootfs.kind !== 'layers') return
  const found = findInLayers(rootfs.lower, target)
  if (found === undefined || !found.stats.isDirectory()) return
  using _lock = await lockVolume(room.database, volume.name)
  await fillVolume(room, volume, async (directory) => {
    const idMaps = userIdMaps()
    await using applier = openApplier(directory, { idMaps })
    const sink = applySink(applier, { place: (path) => path, attributes: (entry) => entry, keepXattr: () => true })
    const from = byteString(found.relative)
    await readMerged(rootfs.lower, { from, idMaps, sink: withoutDevices(sink) })
    await applier.finish()
  })
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
