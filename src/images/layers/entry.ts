/** One entry of a layer's tar archive, with what PAX and GNU extensions say of it already applied. Untrusted. */

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo'

/** A name as the archive has it: a character for each byte (`latin1`), because file names need not be text. */
export type ByteString = string

export const textOf = (name: ByteString): string => Buffer.from(name, 'latin1').toString()

export interface Extent {
  readonly offset: number
  readonly size: number
}

export interface LayerEntry {
  readonly path: ByteString
  readonly type: EntryType
  /** permission bits, at most 0o7777 */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Size in bytes of the file as it will be, holes included. 0 of anything else. */
  readonly size: number
  readonly mtimeSeconds: number
  /** 0 to 999 999 999, counted upwards from `mtimeSeconds` */
  readonly mtimeNanoseconds: number
  readonly linkPath: ByteString
  readonly major: number
  readonly minor: number
  readonly xattrs: ReadonlyMap<ByteString, Buffer>
  /** Where the stored bytes belong, for sparse files. */
  readonly extents?: readonly Extent[] | undefined
}
