/** What is in a layer, without unpacking it. */
import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { checkedPath } from './apply-entry.ts'
import { type EntryType, type LayerEntry, textOf } from './entry.ts'
import { type InflateOptions, inflate } from './inflate.ts'
import { openTarReader } from './tar-reader.ts'

export interface ListedEntry {
  /** Relative to the root, without `./`; the root itself is empty. Whiteouts are listed as the files they are. */
  readonly path: string
  readonly type: EntryType
  /** permission bits */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtimeSeconds: number
  /** Of symlinks what they say, of hard links a path as above; else empty. */
  readonly linkPath: string
  readonly major: number
  readonly minor: number
  /** SHA-256 of a file's content as it is stored, where asked for; holes of sparse files count for nothing. */
  readonly content: string | undefined
}

/**
 * In the order of the archive, in memory that does not grow with it. The caller destroys `blob` in the end.
 *
 * @throws {LayerInvalid} damaged or hostile, as soon as that shows
 */
export async function* readLayerEntries(
  blob: Readable,
  options: InflateOptions & { readonly withContent?: boolean },
): AsyncGenerator<ListedEntry> {
  let complete: ListedEntry[] = []
  let file: { readonly entry: LayerEntry; readonly hash: Hash | undefined } | undefined
  const reader = openTarReader({
    entry: (entry) => {
      if (entry.type !== 'file') complete.push(listed(entry))
      else file = { entry, hash: options.withContent === true ? createHash('sha256') : undefined }
    },
    data: (chunk) => void file?.hash?.update(chunk),
    end: () => {
      if (file !== undefined) complete.push(listed(file.entry, file.hash?.digest('hex')))
      file = undefined
    },
  })
  for await (const chunk of inflate(blob, options)) {
    reader.write(chunk)
    yield* complete
    complete = []
  }
  reader.close()
  yield* complete
}

function listed(entry: LayerEntry, content?: string): ListedEntry {
  const { path, type, mode, uid, gid, size, mtimeSeconds, linkPath, major, minor } = entry
  const link = type === 'hardlink' ? checkedPath(linkPath) : type === 'symlink' ? linkPath : ''
  const numbers = { mode, uid, gid, sizeBytes: size, mtimeSeconds, major, minor }
  return { path: textOf(checkedPath(path)), type, ...numbers, linkPath: textOf(link), content }
}
