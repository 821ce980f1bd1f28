/** From what a step has written to a layer of the store. */
import { rmdirSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { TYPE } from '../archive/tree-sinks.ts'
import { layerSink } from '../containers/files/layer-sink.ts'
import type { BuildStore, StackedLayer } from '../images/building.ts'
import type { ByteString } from '../linux/apply.ts'
import { readChanges, type TreeEntry, type TreeSink } from '../linux/archive.ts'
import { userIdMaps } from '../linux/id-mappings.ts'

export interface Written {
  /** An overlay's upper directory; its content is gone afterwards. */
  readonly upper: string
  readonly below: readonly StackedLayer[]
  /** Directories of `below`, top-most first. */
  readonly lower: readonly string[]
  /** No time in the layer is later than this, in seconds since the epoch. */
  readonly epoch: number | undefined
  readonly signal: AbortSignal
}

/** @returns undefined: nothing has been changed */
export async function makeLayer(store: BuildStore, written: Written): Promise<StackedLayer | undefined> {
  const { upper, below, epoch } = written
  const counts = { sizeBytes: 0, fileCount: 0, entries: 0 }
  return store.add({
    below,
    tar: layerTar(written, counts),
    // Only the tar has the times that are asked for.
    directory: epoch === undefined ? upper : undefined,
    counts: () => counts,
  })
}

interface Counts {
  sizeBytes: number
  fileCount: number
  entries: number
}

async function* layerTar({ upper, lower, epoch, signal }: Written, counts: Counts): AsyncGenerator<Buffer> {
  const stream = new PassThrough({ highWaterMark: 4 << 20 })
  const barren: ByteString[] = []
  const sink = layerSink(stream, { onBarren: (path) => void barren.push(path) })
  const work = async () => {
    const counted = counting(epoch === undefined ? sink : clamped(sink, epoch), counts)
    await readChanges([upper, ...lower], { content: true, idMaps: userIdMaps(), sink: counted, signal })
    await sink.finish()
    stream.end()
  }
  const writing = work().catch((error: unknown) => void stream.destroy(error instanceof Error ? error : undefined))
  try {
    yield* stream as AsyncIterable<Buffer>
  } finally {
    stream.destroy()
    await writing
  }
  removeBarren(upper, barren)
}

function counting(sink: TreeSink, counts: Counts): TreeSink {
  return {
    ...sink,
    entry: (entry) => {
      const isFile = (entry.mode & TYPE.mask) === TYPE.file && entry.hardLink === ''
      if ((entry.mode & TYPE.mask) !== TYPE.directory || entry.change !== 'same') counts.entries += 1
      if (isFile) {
        counts.fileCount += 1
        counts.sizeBytes += entry.sizeBytes
      }
      sink.entry(entry)
    },
  }
}

function clamped(sink: TreeSink, epoch: number): TreeSink {
  const clamp = (entry: TreeEntry): TreeEntry =>
    entry.mtimeSeconds >= epoch ? { ...entry, mtimeSeconds: epoch, mtimeNanoseconds: 0 } : entry
  return { ...sink, entry: (entry) => sink.entry(clamp(entry)) }
}

/** So that the directory says no more than the tar. Those that hold more than they should, or others' files, are kept. */
function removeBarren(upper: string, barren: readonly ByteString[]): void {
  for (const path of barren.toReversed()) {
    try {
      rmdirSync(Buffer.concat([Buffer.from(`${upper}/`), Buffer.from(path, 'latin1')]))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EACCES' && code !== 'EPERM') throw error
    }
  }
}
