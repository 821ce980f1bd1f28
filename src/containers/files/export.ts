/** `export`: the root file system as one tar archive, without what is mounted in it. */

import { tarSink } from '../../archive/tar-sink.ts'
import { readMerged } from '../../linux/archive.ts'
import { logContainerEvent } from '../events.ts'
import { findContainer } from '../find.ts'
import type { ContainerRoom } from '../room.ts'
import { layersOf, mapsOf } from './open-files.ts'

/** See `ContainerEngine.export`. Layers are read where they lie: nothing is mounted, and a running container runs on. */
export async function exportContainer(
  room: ContainerRoom,
  name: string,
  { output, signal }: { readonly output: NodeJS.WritableStream; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const record = await findContainer(room, name)
  const { upper, lower } = await layersOf(room, record)
  const sink = tarSink(output, { place: (path) => (path === '' ? undefined : path) })
  await readMerged([upper, ...lower], { idMaps: await mapsOf(), sink, signal })
  await sink.finish()
  logContainerEvent(room.database, record.id, 'export')
}
