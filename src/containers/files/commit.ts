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
import { isMountPoint } from './own-paths.ts'
import { pausing } from './pausing.ts'

/** See `ContainerEngine.commit`. A running container stands still while its files are read, no longer. */
export async function commitContainer(
  room: ContainerRoom,
  name: string,
  { reference, author, message, changes, pause, signal }: CommitOptions,
): Promise<string> {
  const record = await findContainer(room, name)
  const layers = await layersOf(room, record)
  const base = record.image
  if (base === undefined || layers.lower.length === 0)
    throw new FilesUnsupported(
      `container ${record.name} is a WebAssembly module alone: no image lies below its files`,
      {
        hint: `copy them out: coracle export -o FILE ${record.name}`,
      },
    )
  const files = changedFiles(room, record, { layers, pause, signal })
  const image = await files.whileOpen(() =>
    room.images.derive({
      base,
      layer: files.open,
      config: processConfig(record),
      changes,
      reference,
      author,
      message,
      createdBy: (record.settings.config.Cmd ?? []).join(' '),
    }),
  )
  logContainerEvent(room.database, record.id, 'commit', {
    comment: message ?? '',
    imageID: image,
    imageRef: reference ?? '',
  })
  return image
}

interface ChangedFiles {
  /** The layer's tar. The container stands still or is held until it has been read, or is destroyed. */
  open(): Readable
  /** Waits, after the work, until the container goes on. */
  whileOpen<Result>(work: () => Promise<Result>): Promise<Result>
}

interface Reading {
  readonly layers: Layers
  readonly pause: boolean | undefined
  readonly signal: AbortSignal | undefined
}

function changedFiles(room: ContainerRoom, record: ContainerRecord, { layers, pause, signal }: Reading): ChangedFiles {
  let done: Promise<void> = Promise.resolve()
  const open = () => {
    const stream = new PassThrough({ highWaterMark: 4 << 20 })
    const work = () => writeLayer(stream, layers, signal)
    const writing = isActive(record.state) ? pausing(room, record, { pause, work }) : holding(room, record.id, work)
    // Whoever reads the stream is told.
    done = writing.catch(
      (error: unknown) => void stream.destroy(error instanceof Error ? error : new Error(String(error))),
    )
    return stream
  }
  const whileOpen = async <Result>(work: () => Promise<Result>) => {
    try {
      return await work()
    } finally {
      await done
    }
  }
  return { open, whileOpen }
}

async function writeLayer(
  stream: PassThrough,
  { upper, lower }: Layers,
  signal: AbortSignal | undefined,
): Promise<void> {
  const closed = new AbortController()
  const either = AbortSignal.any([closed.signal, ...(signal === undefined ? [] : [signal])])
  stream.once('close', () => closed.abort())
  const sink = layerSink(stream, { omit: isMountPoint })
  const all = [...(upper === undefined ? [] : [upper]), ...lower]
  await readChanges(all, { content: true, idMaps: await mapsOf(), sink, signal: either })
  await sink.finish()
  stream.end()
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
