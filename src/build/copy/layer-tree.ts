/** The files of a stage or an image, while nothing of it is mounted. */
import { createHash, type Hash } from 'node:crypto'
import { applySink } from '../../archive/tree-sinks.ts'
import { findInLayers, listInLayers } from '../../containers/spec/layer-files.ts'
import { type ByteString, byteString } from '../../linux/apply.ts'
import { readMerged, readTree, type TreeEntry, type TreeSink } from '../../linux/archive.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { describeEntry, type FileTree, type Found, type Keep } from './tree.ts'

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
      await read(layers, found, { sink, keep, signal })
      finish()
      return total.digest('hex')
    },
    copy: async (found, applier, { place, attributes, signal }) => {
      const sink = applySink(applier, { place, attributes, keepXattr: () => true })
      await read(layers, found, { sink, keep: (path) => place(path) !== undefined, signal })
      return true // layers never change
    },
  }
}

const textOf = (path: ByteString): string => Buffer.from(path, 'latin1').toString()

interface Reading {
  readonly sink: TreeSink
  readonly keep: Keep
  readonly signal: AbortSignal
}

/** Only what is kept. A hard link whose first name is not is a file of its own; those come last. */
async function read(layers: readonly string[], found: Found, { sink, keep, signal }: Reading): Promise<void> {
  const orphans: TreeEntry[] = []
  const kept = filtered(sink, { keep, onOrphan: (entry) => void orphans.push(entry) })
  if (!found.isDirectory) return readFile(layers, found.path, { sink: kept, signal })
  await readMerged(layers, { from: found.path, idMaps: userIdMaps(), sink: kept, signal })
  const names = new Map<ByteString, ByteString>()
  for (const orphan of orphans) {
    const first = names.get(orphan.hardLink)
    if (first !== undefined) sink.entry({ ...orphan, hardLink: first })
    else {
      names.set(orphan.hardLink, orphan.path)
      const named = { ...sink, entry: (entry: TreeEntry) => sink.entry({ ...entry, path: orphan.path }) }
      const path = found.path === '' ? orphan.path : `${found.path}/${orphan.path}`
      await readFile(layers, path, { sink: named, signal })
    }
  }
}

async function readFile(
  layers: readonly string[],
  path: ByteString,
  options: { readonly sink: TreeSink; readonly signal: AbortSignal },
): Promise<void> {
  const found = findInLayers(layers, textOf(path))
  if (found === undefined) throw new Error(`${path} was there a moment ago`) // layers never change
  const layer = found.path.slice(0, -found.relative.length)
  return readTree(layer, path, { follow: false, idMaps: userIdMaps(), ...options })
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

interface Filter {
  readonly keep: Keep
  /** Told of hard links to what is not kept. */
  readonly onOrphan: (entry: TreeEntry) => void
}

function filtered(sink: TreeSink, { keep, onOrphan }: Filter): TreeSink {
  let open = false
  return {
    entry: (entry) => {
      open = false
      if (entry.path !== '' && !keep(entry.path)) return
      if (entry.hardLink !== '' && !keep(entry.hardLink)) return onOrphan(entry)
      open = true
      sink.entry(entry)
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
