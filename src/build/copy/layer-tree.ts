/** The files of a stage or an image, while nothing of it is mounted. */
import { createHash, type Hash } from 'node:crypto'
import { applySink } from '../../archive/tree-sinks.ts'
import { findInLayers, listInLayers } from '../../containers/spec/layer-files.ts'
import { type ByteString, byteString } from '../../linux/apply.ts'
import { readMerged, readTree, type TreeEntry, type TreeSink } from '../../linux/archive.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { describeEntry, type FileTree, type Found } from './tree.ts'

/** @param layers - directories of unpacked layers, top-most first */
export function layerTree(layers: readonly string[]): FileTree {
  return {
    source: undefined,
    resolve: (path) => {
      const found = findInLayers(layers, textOf(path))
      return found && { path: byteString(found.relative), isDirectory: found.stats.isDirectory() }
    },
    names: (directory) => listInLayers(layers, textOf(directory)).map(byteString),
    digest: async (found, { keep, signal }) => {
      const total = createHash('sha256')
      const { sink, finish } = digestSink(total)
      await read(layers, found, { sink: filtered(sink, keep), signal })
      finish()
      return total.digest('hex')
    },
    copy: async (found, applier, { place, attributes, signal }) => {
      const sink = applySink(applier, { place, attributes, keepXattr: () => true })
      await read(layers, found, { sink, signal })
    },
  }
}

const textOf = (path: ByteString): string => Buffer.from(path, 'latin1').toString()

async function read(
  layers: readonly string[],
  { path, isDirectory }: Found,
  { sink, signal }: { readonly sink: TreeSink; readonly signal: AbortSignal },
): Promise<void> {
  const idMaps = userIdMaps()
  if (isDirectory) return readMerged(layers, { from: path, idMaps, sink, signal })
  const found = findInLayers(layers, textOf(path))
  if (found === undefined) throw new Error(`${path} was there a moment ago`) // layers never change
  const layer = found.path.slice(0, -found.relative.length)
  return readTree(layer, path, { follow: false, idMaps, sink, signal })
}

/** Adds every entry to `total` once its content is known; the last one with `finish`. */
function digestSink(total: Hash): { readonly sink: TreeSink; finish(): void } {
  let pending: TreeEntry | undefined
  let content = createHash('sha256')
  const tell = (text: string) => {
    if (pending !== undefined) total.update(describeEntry(pending.path, pending, text))
    pending = undefined
  }
  const sink: TreeSink = {
    entry: (entry) => {
      tell('')
      pending = entry
      content = createHash('sha256')
    },
    data: (chunk) => void content.update(chunk),
    end: () => tell(content.digest('hex')),
    flush: async () => {},
  }
  return { sink, finish: () => tell('') }
}

/** Only what is kept goes on. */
function filtered(sink: TreeSink, keep: (path: ByteString) => boolean): TreeSink {
  let open = false
  return {
    entry: (entry) => {
      open = keep(entry.path)
      if (open) sink.entry(entry)
    },
    data: (chunk) => {
      if (open) sink.data(chunk)
    },
    end: () => {
      if (open) sink.end()
    },
    flush: () => sink.flush(),
  }
}
