/** Turns the entries of one layer into file-system steps: names checked, whiteouts translated, sparse files kept sparse. */
import type { Applier } from '../../linux/apply.ts'
import { type ByteString, type Extent, type LayerEntry, textOf } from './entry.ts'
import { LayerInvalid } from './errors.ts'
import type { TarHandler } from './tar-reader.ts'

/** What marks a directory that hides lower layers: ordinary users may set only `user.*`. */
export type OpaqueAttribute = 'trusted.overlay.opaque' | 'user.overlay.opaque'

export function opaqueAttribute(): OpaqueAttribute {
  return process.geteuid?.() === 0 ? 'trusted.overlay.opaque' : 'user.overlay.opaque'
}

export interface EntryApplier extends TarHandler {
  counts(): { readonly sizeBytes: number; readonly fileCount: number }
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const META = '.wh..wh.'
const TYPE_BITS = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const
/** Overlayfs reads these as its own orders. Images of images hold them as well, so they are left out, not refused. */
const OVERLAY_XATTR = /^(?:trusted|user)\.overlay\./
/** Labels of another host's policy mean nothing here; docker drops them as well. */
const LABEL_XATTR = 'security.selinux'
/** PATH_MAX without its NUL. */
const MAX_PATH_BYTES = 4095

export interface ApplyEntryOptions {
  readonly opaque: OpaqueAttribute
  readonly maxEntries: number
}

export function applyEntry(applier: Applier, { opaque, maxEntries }: ApplyEntryOptions): EntryApplier {
  let sizeBytes = 0
  let fileCount = 0
  let entryCount = 0
  let current: LayerEntry | undefined
  let write = applier.data

  const entry = (found: LayerEntry) => {
    if (++entryCount > maxEntries) throw new LayerInvalid(`it has more than ${maxEntries} files`)
    const path = checkedPath(found.path)
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (name.startsWith(WHITEOUT)) return applyWhiteout(path, name)
    if (path === '' && found.type !== 'directory') throw new LayerInvalid('its root is no directory')
    fileCount++
    applyNode(found, path)
  }
  const applyNode = (found: LayerEntry, path: ByteString) => {
    switch (found.type) {
      case 'directory':
        applier.directory(path, found)
        break
      case 'file':
        applier.file(path, found, found.size)
        sizeBytes += found.size
        current = found
        write = found.extents === undefined ? applier.data : sparseWriter(applier, found.extents)
        return // attributes follow the data: writing would take file capabilities away
      case 'symlink':
        applier.symlink(path, checkedLink(found.linkPath), found)
        break
      case 'hardlink':
        applier.hardLink(path, checkedPath(found.linkPath))
        return
      default:
        applier.node(path, { ...found, mode: found.mode | TYPE_BITS[found.type] }, found)
    }
    applyXattrs(applier, found)
  }
  const applyWhiteout = (path: ByteString, name: ByteString) => {
    const parent = path.slice(0, Math.max(path.lastIndexOf('/'), 0))
    if (name === OPAQUE) return applier.opaque(parent, opaque)
    if (name.startsWith(META)) return // aufs's own bookkeeping (.wh..wh.plnk and others)
    const hidden = name.slice(WHITEOUT.length)
    if (hidden === '' || hidden === '.' || hidden === '..') throw new LayerInvalid('a whiteout names no file')
    applier.whiteout(parent === '' ? hidden : `${parent}/${hidden}`, opaque)
  }
  return {
    entry,
    data: (chunk) => {
      if (current !== undefined) write(chunk) // a whiteout has none
    },
    end: () => {
      if (current === undefined) return
      applyXattrs(applier, current)
      applier.end()
      current = undefined
    },
    counts: () => ({ sizeBytes, fileCount }),
  }
}

/** Names that are not plain already: with a slash at either end, two in a row, or a component `.` or `..`. */
const NOT_PLAIN = /(?:^|\/)\.{0,2}(?:\/|$)/

/**
 * The path below the root, without `./`, leading or doubled slashes. What climbs out is refused, not mended: a layer that
 * says `..` is hostile.
 */
export function checkedPath(path: ByteString): ByteString {
  if (path.length > MAX_PATH_BYTES) throw new LayerInvalid(`the name ${quote(path)} is too long`)
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path
  if (!NOT_PLAIN.test(trimmed)) return trimmed
  const parts = trimmed.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new LayerInvalid(`the name ${quote(path)} leads out of it`)
  return parts.join('/')
}

/** Where a symlink points to is its own business, inside the container. */
function checkedLink(target: ByteString): ByteString {
  if (target === '' || target.length > MAX_PATH_BYTES) throw new LayerInvalid('a symlink points to an impossible name')
  return target
}

const quote = (path: ByteString): string => JSON.stringify(textOf(path.slice(0, 200)))

function applyXattrs(applier: Applier, { xattrs }: LayerEntry): void {
  for (const [name, value] of xattrs) if (name !== LABEL_XATTR && !OVERLAY_XATTR.test(name)) applier.xattr(name, value)
}

/** Spreads the stored bytes over the extents of a sparse file. */
function sparseWriter(applier: Applier, extents: readonly Extent[]): (chunk: Uint8Array) => void {
  let index = 0
  let position = 0
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
