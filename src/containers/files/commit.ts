/** `commit`: what a container has changed becomes a layer, and with its image below a new image. */
import { PassThrough, type Readable } from 'node:stream'
import { readChanges } from '../../linux/archive.ts'
import type { ImageProcessConfig } from '../../oci/descriptor.ts'
import { logContainerEvent } from '../events.ts'
import { findContainer } from '../find.ts'
import { holding } from '../hold.ts'
import { isActive } from '../lifecycle.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { CommitOptions } from '../types.ts'
import { FilesUnsupported } from './errors.ts'
import { layerSink } from './layer-sink.ts'
import { type Layers, layersOf, mapsOf } from './open-files.ts'
import { pausing } from './pausing.ts'

/** See `ContainerEngine.commit`. A running container stands still while its files are read, no longer. */
export async function commitContainer(
  room: ContainerRoom,
  name: string,
  { reference, author, message, changes, pause }: CommitOptions,
): Promise<string> {
  const record = await findContainer(room, name)
  const layers = await layersOf(room, record)
  if (layers.upper === undefined || record.image === undefined)
    throw new FilesUnsupported(
      `container ${record.name} is WebAssembly: what it writes is not kept, so there is nothing to commit`,
      {
        hint: `its image has another name by: coracle tag ${record.imageName} NAME`,
      },
    )
  const image = await room.images.derive({
    base: record.image,
    layer: changedFiles(room, record, { layers, pause }),
    config: processConfig(record),
    changes,
    reference,
    author,
    message,
    createdBy: (record.settings.config.Cmd ?? []).join(' '),
  })
  logContainerEvent(room.database, record.id, 'commit', {
    comment: message ?? '',
    imageID: image,
    imageRef: reference ?? '',
  })
  return image
}

/** The layer's tar. It is read to the end or destroyed; either way the container then goes on. */
function changedFiles(
  room: ContainerRoom,
  record: ContainerRecord,
  { layers, pause }: { readonly layers: Layers; readonly pause: boolean | undefined },
): Readable {
  const stream = new PassThrough({ highWaterMark: 4 << 20 })
  const write = async () => {
    const sink = layerSink(stream)
    const abort = new AbortController()
    stream.once('close', () => abort.abort())
    const all = [...(layers.upper === undefined ? [] : [layers.upper]), ...layers.lower]
    await readChanges(all, { content: true, idMaps: await mapsOf(), sink, signal: abort.signal })
    await sink.finish()
    stream.end()
  }
  const work = isActive(record.state) ? pausing(room, record, { pause, work: write }) : holding(room, record.id, write)
  work.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
  return stream
}

/** How containers of the new image start: as this one did. */
function processConfig({ settings }: ContainerRecord): ImageProcessConfig {
  const { User, Env, Entrypoint, Cmd, WorkingDir, Labels, Volumes, StopSignal, Healthcheck } = settings.config
  return {
    ...(User !== '' && { User }),
    Env,
    ...(Entrypoint !== null && Entrypoint.length > 0 && { Entrypoint }),
    ...(Cmd !== null && { Cmd }),
    ...(WorkingDir !== '' && { WorkingDir }),
    Labels,
    ...(Volumes !== null && Object.keys(Volumes).length > 0 && { Volumes }),
    ...(StopSignal !== undefined && { StopSignal }),
    ...(Healthcheck !== undefined && { Healthcheck }),
  }
}
