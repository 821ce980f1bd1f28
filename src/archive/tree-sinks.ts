/** Where the entries of a tree go: into another tree, by the native program. */
import type { Applier, ByteString } from '../linux/apply.ts'
import type { TreeEntry, TreeSink } from '../linux/archive.ts'

export const TYPE = {
  mask: 0o170000,
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
} as const

/** Where a tree goes: under `name` in the directory `prefix`; without a name its content goes there, and its root nowhere. */
export function placeIn(prefix: ByteString, name: ByteString): (path: ByteString) => ByteString | undefined {
  const base = prefix === '' || name === '' ? `${prefix}${name}` : `${prefix}/${name}`
  return (path) => {
    if (path === '') return name === '' ? undefined : base
    return base === '' ? path : `${base}/${path}`
  }
}

const BLOCK = 512

export interface ApplyOptions {
  /** Where an entry goes; undefined leaves it out. */
  readonly place: (path: ByteString) => ByteString | undefined
  /** Owner and permissions of the copy. */
  readonly attributes: (entry: TreeEntry) => { readonly uid: number; readonly gid: number; readonly mode: number }
  readonly keepXattr: (name: ByteString) => boolean
  /** Files are those of the applier's `source`, under the same name: no content comes. */
  readonly fromSource?: boolean
  /** Told of the bytes that a tar archive of it would have. */
  readonly onBytes?: (count: number) => void
}

export function applySink(applier: Applier, options: ApplyOptions): TreeSink {
  let file: { entry: TreeEntry; write: (chunk: Buffer) => void } | undefined
  const xattrs = (entry: TreeEntry) => {
    for (const [name, value] of entry.xattrs) if (options.keepXattr(name)) applier.xattr(name, value)
  }
  const begin = (entry: TreeEntry) => {
    const place = options.place(entry.path)
    if (place === undefined) return
    options.onBytes?.(BLOCK + (-entry.sizeBytes & (BLOCK - 1)))
    const hardLink = entry.hardLink === '' ? undefined : options.place(entry.hardLink)
    if (hardLink !== undefined) return applier.hardLink(place, hardLink)
    const attributes = { ...entry, ...options.attributes(entry) }
    const plain = { ...attributes, mode: attributes.mode & 0o7777 }
    switch (entry.mode & TYPE.mask) {
      case TYPE.file:
        if (options.fromSource) {
          applier.clone(place, entry.path, plain)
          break
        }
        applier.file(place, plain, entry.sizeBytes)
        file = { entry, write: spread(applier, entry) }
        return // attributes follow the data: writing would take file capabilities away
      case TYPE.directory:
        applier.directory(place, plain)
        break
      case TYPE.symlink:
        applier.symlink(place, entry.target, plain)
        break
      default:
        applier.node(place, { ...plain, mode: (entry.mode & TYPE.mask) | plain.mode }, entry)
    }
    xattrs(entry)
  }
  return {
    entry: begin,
    data: (chunk) => {
      file?.write(chunk)
      options.onBytes?.(chunk.length)
    },
    end: () => {
      if (file === undefined) return
      xattrs(file.entry)
      applier.end()
      file = undefined
    },
    flush: () => applier.flush(),
  }
}

/** Data one after the other, put back to where the extents are; of the hole at the end nothing is said. */
export function spread(
  to: Pick<Applier, 'data' | 'hole'>,
  { extents }: Pick<TreeEntry, 'extents'>,
): (chunk: Buffer) => void {
  if (extents === undefined) return (chunk) => to.data(chunk)
  let position = 0
  let index = 0
  let done = 0
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      const extent = extents[index]
      if (extent === undefined) return
      const start = extent.offset + done
      if (start > position) to.hole(start - position)
      const size = Math.min(chunk.length - at, extent.size - done)
      to.data(chunk.subarray(at, at + size))
      at += size
      done += size
      position = start + size
      if (done < extent.size) continue
      index += 1
      done = 0
    }
  }
}
