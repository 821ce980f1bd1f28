/** One entry of a layer's tar archive, with what PAX and GNU extensions say of it already applied. */

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo'

export interface Extent {
  readonly offset: number
  readonly size: number
}

export interface LayerEntry {
  /** As written in the archive: untrusted. */
  readonly path: string
  readonly type: EntryType
  /** permission bits, at most 0o7777 */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Size in bytes of the file as it will be, holes included. */
  readonly size: number
  readonly mtimeNs: bigint
  readonly linkPath: string
  readonly major: number
  readonly minor: number
  readonly xattrs: ReadonlyMap<string, Buffer>
  /** Where the stored bytes belong, for sparse files. */
  readonly extents?: readonly Extent[]
}
