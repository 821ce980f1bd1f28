/** What an archive says of one entry, in its header and in the extensions before it, put together and checked. */
import type { ByteString, EntryType, LayerEntry } from './entry.ts'
import { LayerInvalid } from './errors.ts'
import { type PaxRecords, parsePaxTime, paxNumber, paxText, paxXattrs } from './pax.ts'
import { checkedExtents, paxExtents, paxRealSize } from './sparse.ts'
import type { RawHeader } from './tar-header.ts'

const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

export interface Extensions {
  readonly records: PaxRecords
  /** GNU's long names, with a NUL at their end. */
  readonly longName: Buffer | undefined
  readonly longLink: Buffer | undefined
}

/** @returns undefined for kinds that are no files: volume labels and the like */
export function makeEntry(header: RawHeader, extensions: Extensions): LayerEntry | undefined {
  const kind = TYPES[header.key]
  if (kind === undefined) return undefined
  const { records } = extensions
  const path =
    paxText(records, 'GNU.sparse.name') ?? paxText(records, 'path') ?? gnuText(extensions.longName) ?? header.path
  // Old archives tell directories by a trailing slash only.
  const type = kind === 'file' && path.endsWith('/') ? 'directory' : kind
  const size = type === 'file' ? (paxRealSize(records) ?? storedBytes(header, records)) : 0
  const mtime = records.get('mtime')
  const time = mtime === undefined ? undefined : parsePaxTime(mtime)
  const extents = type === 'file' ? paxExtents(records) : undefined
  return {
    path,
    type,
    mode: header.mode,
    uid: checkedID(paxNumber(records.get('uid')) ?? header.uid),
    gid: checkedID(paxNumber(records.get('gid')) ?? header.gid),
    size,
    mtimeSeconds: time?.seconds ?? header.mtimeSeconds,
    mtimeNanoseconds: time?.nanoseconds ?? 0,
    linkPath: paxText(records, 'linkpath') ?? gnuText(extensions.longLink) ?? header.linkPath,
    major: header.major,
    minor: header.minor,
    xattrs: paxXattrs(records),
    extents: extents === undefined ? undefined : checkedExtents(extents, size),
  }
}

/** How many bytes follow the header. Only of files: others may state a size, but have no content. */
export function storedBytes(header: RawHeader, records: PaxRecords): number {
  const size = paxNumber(records.get('size')) ?? header.size
  if (!Number.isSafeInteger(size) || size < 0) throw new LayerInvalid('a file has an impossible size')
  return size
}

function gnuText(data: Buffer | undefined): ByteString | undefined {
  if (data === undefined) return undefined
  const end = data.indexOf(0)
  return data.toString('latin1', 0, end === -1 ? data.length : end)
}

/** The highest id stands for "none" in system calls. */
function checkedID(id: number): number {
  if (!(Number.isInteger(id) && id >= 0 && id < 0xffff_ffff)) throw new LayerInvalid('a file has an impossible owner')
  return id
}
