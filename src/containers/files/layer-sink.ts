/** What a container has changed, as a layer of an image (image-spec, layer.md#representing-changes). */
import { posix } from 'node:path'
import { whiteoutHeader } from '../../archive/tar-header.ts'
import { type TarSink, tarSink } from '../../archive/tar-sink.ts'
import { TYPE } from '../../archive/tree-sinks.ts'
import type { ByteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import { FilesUnsupported } from './errors.ts'
import { isMountPoint } from './own-paths.ts'

const WHITEOUT = '.wh.'

/** Directories that are not changed themselves are in it only when something below them is. */
export function layerSink(output: NodeJS.WritableStream): TarSink {
  const tar = tarSink(output, { place: (path) => path })
  let pending: TreeEntry[] = []
  const tell = (path: ByteString) => {
    for (const directory of pending) if (path.startsWith(`${directory.path}/`)) tar.entry(directory)
    pending = []
  }
  return {
    ...tar,
    entry: (entry) => {
      const { path, change, mode } = entry
      const directory = posix.dirname(path)
      const name = posix.basename(path)
      // Made by the container it would hide files of the image below.
      if (name.startsWith(WHITEOUT)) throw new FilesUnsupported(reserved(path))
      pending = pending.filter((parent) => path.startsWith(`${parent.path}/`))
      const isDirectory = (mode & TYPE.mask) === TYPE.directory
      if (isDirectory && (change === 'same' || isMountPoint(entry))) return void pending.push(entry)
      if (isMountPoint(entry)) return
      tell(path)
      if (change !== 'deleted') return tar.entry(entry)
      output.write(whiteoutHeader(`${directory === '.' ? '' : `${directory}/`}${WHITEOUT}${name}`))
    },
  }
}

function reserved(path: ByteString): string {
  const name = JSON.stringify(`/${Buffer.from(path, 'latin1').toString()}`)
  return `${name} cannot be part of an image: names that begin with .wh. stand for deleted files there`
}
