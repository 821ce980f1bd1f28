/**
 * How a layer says that something below it is gone: an empty file `.wh.NAME`, and `.wh..wh..opq` in a directory that hides
 * all (image-spec, layer.md). Node cannot make the devices that overlayfs uses, but reads them.
 */
import type { FileStatus, OpenOptions } from './files.ts'
import type { HostDirectory } from './host-directory.ts'

const PREFIX = '.wh.'
const OPAQUE = '.wh..wh..opq'

/** Names that no module may use or see. */
export const isReserved = (name: string): boolean => name.startsWith(PREFIX)

/** What a layer says of a name: nothing, that it is gone, or what it is. */
export function find(layer: HostDirectory, name: string): FileStatus | 'gone' | undefined {
  const found = layer.peek(name)
  if (found !== undefined) return found.isHole ? 'gone' : found.status
  return layer.peek(PREFIX + name) === undefined ? undefined : 'gone'
}

export function isOpaque(directory: HostDirectory): boolean {
  return directory.peek(OPAQUE) !== undefined
}

const NEW_FILE: OpenOptions = { read: false, write: true, create: true, exclusive: false, truncate: false, flags: 0 }

export function hide(layer: HostDirectory, name: string): void {
  layer.openFile(PREFIX + name, NEW_FILE).close()
}

export function unhide(layer: HostDirectory, name: string): void {
  if (layer.peek(PREFIX + name) !== undefined) layer.removeFile(PREFIX + name)
}

export function makeOpaque(directory: HostDirectory): void {
  directory.openFile(OPAQUE, NEW_FILE).close()
}

/** Of a directory that is about to be removed. */
export function removeMarks(directory: HostDirectory): void {
  for (const { name } of directory.entries()) if (isReserved(name)) directory.removeFile(name)
}

let copies = 0

/** A name in the upper layer for what is not whole yet. */
export const temporaryName = (): string => `${PREFIX}.wh.new-${process.pid}-${++copies}`
