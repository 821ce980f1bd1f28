/** Turns the entries of one layer into file-system steps: names checked, whiteouts translated, sparse files kept sparse. */
import type { Applier, NodeAttributes } from '../../linux/apply.ts'
import type { Extent, LayerEntry } from './entry.ts'
import { LayerInvalid } from './errors.ts'
import type { TarHandler } from './tar-reader.ts'

/** What marks a directory that hides lower layers: ordinary users may set only `user.*`. */
export type OpaqueAttribute = 'trusted.overlay.opaque' | 'user.overlay.opaque'

export interface EntryApplier extends TarHandler {
  counts(): { readonly sizeBytes: number; readonly fileCount: number }
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const META = '.wh..wh.'
const TYPE_BITS = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const
/** Overlayfs reads these as its own orders: a layer that brings them wants to forge a file system. */
const FORGED_XATTR = /^(?:trusted|user)\.overlay\./

export function applyEntry(applier: Applier, opaque: OpaqueAttribute): EntryApplier {
  let sizeBytes = 0
  let fileCount = 0
  let current: { readonly entry: LayerEntry; readonly writer: (chunk: Buffer) => void } | undefined

  const entry = (found: LayerEntry) => {
    current = undefined
    const path = checkedPath(found.path)
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (name.startsWith(WHITEOUT)) return applyWhiteout(applier, path, { name, opaque })
    if (path === '' && found.type !== 'directory') throw new LayerInvalid('its root is no directory')
    fileCount++
    applyNode(found, path)
  }
  const applyNode = (found: LayerEntry, path: string) => {
    const attributes: NodeAttributes = found
    switch (found.type) {
      case 'directory':
        applier.directory(path, attributes)
        break
      case 'file':
        applier.file(path, attributes, found.size)
        sizeBytes += found.size
        current = { entry: found, writer: writerOf(applier, found) }
        return // attributes follow the data: writing would take file capabilities away
      case 'symlink':
        applier.symlink(path, found.linkPath, attributes)
        break
      case 'hardlink':
        applier.hardLink(path, checkedPath(found.linkPath))
        return
      default:
        applier.node(path, { ...attributes, mode: attributes.mode | TYPE_BITS[found.type] }, found)
    }
    applyXattrs(applier, found)
  }
  return {
    entry,
    data: (chunk) => current?.writer(chunk),
    end: () => {
      if (current === undefined) return
      applyXattrs(applier, current.entry)
      applier.end()
      current = undefined
    },
    counts: () => ({ sizeBytes, fileCount }),
  }
}

/**
 * The path below the root, without `./`, leading or doubled slashes. What climbs out is refused, not mended: a layer that
 * says `..` is hostile.
 */
export function checkedPath(path: string): string {
  if (path.includes('\0')) throw new LayerInvalid('a name holds a NUL')
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new LayerInvalid(`${JSON.stringify(path.slice(0, 200))} leads out of it`)
  return parts.join('/')
}

function applyWhiteout(
  applier: Applier,
  path: string,
  { name, opaque }: { name: string; opaque: OpaqueAttribute },
): void {
  const slash = path.lastIndexOf('/')
  const parent = path.slice(0, Math.max(slash, 0))
  if (name === OPAQUE) {
    // The directory may come later or not at all: its own entry, if any, sets mode and owner.
    applier.openDirectory(parent)
    applier.xattr(opaque, Buffer.from('y'))
    return
  }
  if (name.startsWith(META)) return // aufs's own bookkeeping (.wh..wh.plnk and others)
  const hidden = name.slice(WHITEOUT.length)
  if (hidden === '' || hidden === '.' || hidden === '..') throw new LayerInvalid('a whiteout names no file')
  applier.whiteout(parent === '' ? hidden : `${parent}/${hidden}`)
}

function applyXattrs(applier: Applier, { xattrs }: LayerEntry): void {
  for (const [name, value] of xattrs) {
    if (FORGED_XATTR.test(name)) throw new LayerInvalid(`it sets ${name}, which belongs to the file system`)
    // Labels of another host's policy mean nothing here; docker drops them as well.
    if (name !== 'security.selinux') applier.xattr(name, value)
  }
}

/** Plain data, or data spread over the extents of a sparse file. */
function writerOf(applier: Applier, { extents }: LayerEntry): (chunk: Buffer) => void {
  if (extents === undefined) return (chunk) => applier.data(chunk)
  return sparseWriter(applier, extents)
}

function sparseWriter(applier: Applier, extents: readonly Extent[]): (chunk: Buffer) => void {
  let index = 0
  let position = 0
  applier.hole(0) // its size is set even if it ends in a hole, or is nothing else
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      const extent = extents[index]
      if (extent === undefined) return // padding behind the last piece
      if (position >= extent.offset + extent.size) {
        index++
        continue
      }
      if (position < extent.offset) {
        applier.hole(extent.offset - position)
        position = extent.offset
      }
      const size = Math.min(chunk.length - at, extent.offset + extent.size - position)
      applier.data(chunk.subarray(at, at + size))
      at += size
      position += size
    }
  }
}
