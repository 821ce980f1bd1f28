/** Trees that COPY, ADD and mounts take files from. Paths are relative, with no slash at either end; the root is empty. */
import type { Applier, ByteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'

/** A place in a tree, links resolved. */
export interface Found {
  readonly path: ByteString
  readonly isDirectory: boolean
}

/** Told the path from the place that was found, which itself is empty. */
export type Keep = (relative: ByteString) => boolean

export interface CopyOptions {
  /** Of the path from the place that was found; undefined leaves it out. */
  readonly place: (relative: ByteString) => ByteString | undefined
  readonly attributes: (entry: TreeEntry) => { readonly uid: number; readonly gid: number; readonly mode: number }
  readonly signal: AbortSignal
}

export interface FileTree {
  /** Where `copy` takes content from without sending it through this process: to be given to the applier. */
  readonly source: string | undefined
  /** Links, the last one too, are followed inside of the tree only. undefined: nothing is there. */
  resolve(path: ByteString): Found | undefined
  /** What a directory that was found holds. */
  names(directory: ByteString): readonly ByteString[]
  /** Of names, metadata but for times and, where asked for, owners, and content. */
  digest(found: Found, options: DigestOptions): Promise<string>
  /** @returns false: something has changed since `digest` looked at it */
  copy(found: Found, applier: Applier, options: CopyOptions): Promise<boolean>
}

export interface DigestOptions {
  readonly keep: Keep
  /** Patterns that are all that decides about `keep`. */
  readonly excluded: readonly string[]
  readonly signal: AbortSignal
}

/**
 * What counts of an entry, and of the content of a file.
 *
 * @param entry - its hard link, too, is told from the place that was found; what it leads to counts instead of content
 */
export function describeEntry(relative: ByteString, entry: TreeEntry, content: string): string {
  const { mode, uid, gid, sizeBytes, major, minor, target, hardLink, extents } = entry
  const xattrs =
    entry.xattrs.size === 0
      ? []
      : [...entry.xattrs].map(([name, value]) => `${name}=${value.toString('base64')}`).toSorted()
  // Of a sparse file the content is that of its extents alone.
  const rest = [uid, gid, sizeBytes, major, minor, target, hardLink, xattrs, extents ?? null, content]
  return `${JSON.stringify([relative, mode, ...rest])}\n`
}
