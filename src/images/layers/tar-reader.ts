/**
 * Reads a tar stream chunk by chunk, in memory that does not grow with it. Headers are decoded by the `tar` package; its
 * own stream parser makes an object per entry and chunk, which is too slow for layers of many small files.
 */
import type { Header } from 'tar'
import type { EntryType, Extent, LayerEntry } from './entry.ts'
import { LayerInvalid } from './errors.ts'
import { type PaxRecords, parsePax, paxNumber, paxTimeNs, paxXattrs } from './pax.ts'
import { checkedExtents, isSparse10, oldGnuExtents, paxExtents, readSparseMap, realSize } from './sparse.ts'

export interface TarHandler {
  entry(entry: LayerEntry): void
  /** Stored bytes of the last file; valid only during the call. */
  data(chunk: Buffer): void
  end(): void
}

export interface TarReader {
  /** @throws {LayerInvalid} the archive is damaged */
  write(chunk: Buffer): void
  /** @throws {LayerInvalid} the archive ends within an entry */
  close(): void
}

type HeaderClass = typeof Header

const BLOCK = 512
/** What one header may say beyond its block: names and attributes, not files. */
const MAX_META_BYTES = 1 << 20

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

/** Headers that say something of the next entry, or of all that follow. */
type Meta = 'x' | 'g' | 'L' | 'K'
const isMeta = (key: string): key is Meta => 'xgLK'.includes(key) && key.length === 1

type State =
  | { readonly at: 'header' }
  | { readonly at: 'meta'; readonly kind: Meta; readonly size: number }
  | { readonly at: 'old-sparse'; readonly entry: LayerEntry; readonly extents: Extent[] }
  | { readonly at: 'sparse-map'; readonly entry: LayerEntry }
  | { readonly at: 'data' }
  | { readonly at: 'skip' }
  | { readonly at: 'finished' }

/** @param decode - the `Header` class of the `tar` package, imported by the caller only when a layer is read */
export function openTarReader(decode: HeaderClass, handler: TarHandler): TarReader {
  const globals: PaxRecords = new Map()
  let locals: PaxRecords = new Map()
  let state: State = { at: 'header' }
  let kept: Buffer = Buffer.alloc(0)
  /** Of the current entry: stored bytes not seen yet, and the padding behind them. */
  let remaining = 0
  let padding = 0

  const beginBody = (next: State, size: number) => {
    state = next
    remaining = size
    padding = (BLOCK - (size % BLOCK)) % BLOCK
  }
  const beginFile = (entry: LayerEntry, storedBytes: number) => {
    handler.entry(entry)
    remaining = storedBytes
    state = { at: 'data' }
    if (storedBytes === 0) endFile()
  }
  const endFile = () => {
    handler.end()
    state = { at: 'skip' }
  }

  const readHeader = (block: Buffer) => {
    // Without its long name an entry is taken for a directory where the cut name in the header happens to end with a slash.
    const longPath = locals.get('path')
    const header = longPath === undefined ? new decode(block, 0) : new decode(block, 0, { path: longPath.toString() })
    if (header.nullBlock) return // the end, or filling in between: what follows decides
    if (!header.cksumValid) throw new LayerInvalid('a header has a wrong checksum')
    const key = block.toString('latin1', 156, 157)
    const size = header.size ?? 0
    if (isMeta(key)) return beginMeta(key, size)
    const records: PaxRecords = new Map([...globals, ...locals])
    locals = new Map()
    beginEntry({ header, key, records, block })
  }
  const beginMeta = (kind: Meta, size: number) => {
    if (size > MAX_META_BYTES) throw new LayerInvalid('an extended header is too long')
    beginBody({ at: 'meta', kind, size }, size)
  }
  const beginEntry = ({ header, key, records, block }: RawEntry) => {
    const type = TYPES[key]
    const stored = paxNumber(records.get('size')) ?? header.size ?? 0
    if (!Number.isSafeInteger(stored) || stored < 0) throw new LayerInvalid('a file has an impossible size')
    if (type === undefined) return beginBody({ at: 'skip' }, stored)
    const entry = makeEntry({ header, key, records, block }, type)
    if (entry.type !== 'file') {
      handler.entry(entry)
      // Links and directories may carry a size; only some writers store that many bytes, and none means them.
      return beginBody(
        { at: 'skip' },
        type === 'hardlink' || type === 'symlink' ? 0 : type === 'directory' ? 0 : stored,
      )
    }
    beginBody({ at: 'data' }, stored)
    if (key === 'S') beginOldSparse(entry, block)
    else if (isSparse10(records)) state = { at: 'sparse-map', entry }
    else beginFile(entry, stored)
  }
  const beginOldSparse = (entry: LayerEntry, block: Buffer) => {
    const extents = oldGnuExtents(block, 386, 4)
    const sized = { ...entry, size: oldGnuRealSize(block) }
    if (block[482] === 0) beginFile({ ...sized, extents: checkedExtents(extents, sized.size) }, remaining)
    else state = { at: 'old-sparse', entry: sized, extents }
  }
  const endMeta = (kind: Meta, data: Buffer) => {
    const text = () => Buffer.from(data.subarray(0, data.indexOf(0) === -1 ? data.length : data.indexOf(0)))
    if (kind === 'g') parsePax(data, globals)
    else if (kind === 'x') parsePax(sparse00(data), locals)
    else if (kind === 'L') locals.set('path', text())
    else locals.set('linkpath', text())
    state = { at: 'skip' }
  }

  /** Gathers `size` bytes, across chunks where needed. */
  const gather = (chunk: Buffer, size: number): { readonly bytes: Buffer | undefined; readonly taken: number } => {
    const taken = Math.min(size - kept.length, chunk.length)
    if (kept.length === 0 && taken === size) return { bytes: chunk.subarray(0, size), taken }
    kept = Buffer.concat([kept, chunk.subarray(0, taken)])
    if (kept.length < size) return { bytes: undefined, taken }
    const bytes = kept
    kept = Buffer.alloc(0)
    return { bytes, taken }
  }
  const step = (chunk: Buffer): number => {
    switch (state.at) {
      case 'header':
      case 'finished': {
        const { bytes, taken } = gather(chunk, BLOCK)
        if (bytes !== undefined) readHeader(bytes)
        return taken
      }
      case 'meta': {
        const { bytes, taken } = gather(chunk, state.size)
        remaining -= taken
        if (bytes !== undefined) endMeta(state.kind, bytes)
        return taken
      }
      case 'old-sparse': {
        const { bytes, taken } = gather(chunk, BLOCK)
        if (bytes === undefined) return taken
        state.extents.push(...oldGnuExtents(bytes, 0, 21))
        const { entry, extents } = state
        if (bytes[504] === 0) beginFile({ ...entry, extents: checkedExtents(extents, entry.size) }, remaining)
        return taken
      }
      case 'sparse-map':
        return readMap(chunk, state.entry)
      case 'data': {
        const taken = Math.min(remaining, chunk.length)
        handler.data(chunk.subarray(0, taken))
        remaining -= taken
        if (remaining === 0) endFile()
        return taken
      }
      case 'skip': {
        const taken = Math.min(remaining + padding, chunk.length)
        const body = Math.min(remaining, taken)
        remaining -= body
        padding -= taken - body
        if (remaining + padding === 0) state = { at: 'header' }
        return taken
      }
    }
  }
  const readMap = (chunk: Buffer, entry: LayerEntry): number => {
    const { bytes, taken } = gather(chunk, kept.length + Math.min(BLOCK - (kept.length % BLOCK), remaining))
    remaining -= taken
    if (bytes === undefined) return taken
    const map = readSparseMap(bytes)
    if (map !== undefined) beginFile({ ...entry, extents: checkedExtents(map.extents, entry.size) }, remaining)
    else if (remaining === 0) throw new LayerInvalid('a sparse file has no map')
    else kept = Buffer.from(bytes)
    return taken
  }
  return {
    write: (chunk) => {
      for (let at = 0; at < chunk.length; ) at += step(at === 0 ? chunk : chunk.subarray(at))
    },
    close: () => {
      if (state.at !== 'header' && !(state.at === 'skip' && remaining === 0))
        throw new LayerInvalid('it ends within a file')
      if (kept.length > 0) throw new LayerInvalid('it ends within a header')
    },
  }
}

interface RawEntry {
  readonly header: Header
  readonly key: string
  readonly records: PaxRecords
  readonly block: Buffer
}

function makeEntry({ header, records }: RawEntry, type: EntryType): LayerEntry {
  const text = (key: string) => records.get(key)?.toString('utf8')
  const path = text('GNU.sparse.name') ?? text('path') ?? header.path ?? ''
  const stored = paxNumber(records.get('size')) ?? header.size ?? 0
  const size = realSize(records) ?? stored
  const extents = paxExtents(records)
  const mtime = text('mtime')
  return {
    path,
    // Old archives tell directories by a trailing slash only.
    type: type === 'file' && path.endsWith('/') ? 'directory' : type,
    mode: (header.mode ?? 0) & 0o7777,
    uid: checkedId(paxNumber(records.get('uid')) ?? header.uid ?? 0),
    gid: checkedId(paxNumber(records.get('gid')) ?? header.gid ?? 0),
    size,
    mtimeNs: mtime === undefined ? BigInt(header.mtime?.getTime() ?? 0) * 1_000_000n : paxTimeNs(mtime),
    linkPath: text('linkpath') ?? header.linkpath ?? '',
    major: header.devmaj ?? 0,
    minor: header.devmin ?? 0,
    xattrs: paxXattrs(records),
    ...(extents !== undefined && { extents: checkedExtents(extents, size) }),
  }
}

function checkedId(id: number): number {
  if (!(Number.isInteger(id) && id >= 0 && id < 0xffff_ffff)) throw new LayerInvalid('a file has an impossible owner')
  return id
}

function oldGnuRealSize(block: Buffer): number {
  const size = Number.parseInt(block.toString('latin1', 483, 495).replace(/[\0 ]+$/, ''), 8)
  if (!Number.isSafeInteger(size)) throw new LayerInvalid('a sparse file has an impossible size')
  return size
}

/** Form 0.0 repeats `GNU.sparse.offset` and `.numbytes`; a map of keys would lose all but the last: joined to form 0.1. */
function sparse00(data: Buffer): Buffer {
  if (!data.includes('GNU.sparse.offset=')) return data
  const numbers = [...data.toString('latin1').matchAll(/ GNU\.sparse\.(?:offset|numbytes)=([0-9]+)\n/g)].map(
    ([, number]) => number,
  )
  const body = ` GNU.sparse.map=${numbers.join(',')}\n`
  const length = [1, 2, 3, 4, 5, 6, 7]
    .map((digits) => digits + body.length)
    .find((total, index) => String(total).length === index + 1)
  return Buffer.concat([data, Buffer.from(`${length}${body}`)])
}
