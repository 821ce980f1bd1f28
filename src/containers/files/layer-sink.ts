/** What a container has changed, as a layer of an image (image-spec, layer.md#representing-changes). */
import { posix } from 'node:path'
import { whiteoutHeader } from '../../archive/tar-header.ts'
import { type TarSink, tarSink } from '../../archive/tar-sink.ts'
import { TYPE } from '../../archive/tree-sinks.ts'
import type { ByteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import { FilesUnsupported } from './errors.ts'

const WHITEOUT = '.wh.'

export interface LayerSinkOptions {
  /** What is not of the layer, unless, for a directory, something below it is. */
  readonly omit?: (entry: TreeEntry) => boolean
  /** Told of directories that are left out because nothing below them is in the layer, parents first. */
  readonly onBarren?: (path: ByteString) => void
}

/** Directories that are not changed themselves are in it only when something below them is. */
export function layerSink(
  output: NodeJS.WritableStream,
  { omit = () => false, onBarren = () => {} }: LayerSinkOptions = {},
): TarSink {
  const tar = tarSink(output, { place: (path) => path })
  let pending: TreeEntry[] = []
  const tell = (path: ByteString) => {
    for (const directory of pending) if (path.startsWith(`${directory.path}/`)) tar.entry(directory)
    pending = []
  }
  /** Directories that `path` is not in are over. */
  const leave = (path: ByteString) => {
    const isInside = (parent: TreeEntry) => path.startsWith(`${parent.path}/`)
    for (const parent of pending) if (!isInside(parent)) onBarren(parent.path)
    pending = pending.filter(isInside)
  }
  return {
    ...tar,
    finish: async () => {
      leave('')
      await tar.finish()
    },
    entry: (entry) => {
      const { path, change, mode } = entry
      const directory = posix.dirname(path)
      const name = posix.basename(path)
      // Made by the container it would hide files of the image below.
      if (name.startsWith(WHITEOUT)) throw new FilesUnsupported(reserved(path))
      leave(path)
      const isDirectory = (mode & TYPE.mask) === TYPE.directory
      if (isDirectory && (change === 'same' || omit(entry))) return void pending.push(entry)
      if (omit(entry)) return
      tell(path)
      if (change !== 'deleted') return tar.entry(entry)
      tar.blocks(whiteoutHeader(`${directory === '.' ? '' : `${directory}/`}${WHITEOUT}${name}`))
    },
  }
}

function reserved(path: ByteString): string {
  const name = JSON.stringify(`/${Buffer.from(path, 'latin1').toString()}`)
  return `${name} cannot be part of an image: names that begin with .wh. stand for deleted files there`
}
