/**
 * Reads a tar stream chunk by chunk, in memory that does not grow with it. Headers are decoded by the `tar` package; its
 * own stream parser makes an object per entry and chunk, which is too slow for layers of many small files.
 */
import type { Extent, LayerEntry } from './entry.ts'
import { LayerInvalid } from './errors.ts'
import { makeEntry, storedBytes } from './make-entry.ts'
import { NO_RECORDS, type PaxRecords, parseGlobalPax, parsePax } from './pax.ts'
import { checkedExtents, isSparse10, oldGnuExtents, oldGnuRealSize, openSparseMap } from './sparse.ts'
import { BLOCK, type RawHeader, readHeader } from './tar-header.ts'

export interface TarHandler {
  entry(entry: LayerEntry): void
  /** Stored bytes of the last file, a part of what was written to the reader. */
  data(chunk: Buffer): void
  /** The last file is complete. Not called for other entries. */
  end(): void
}

export interface TarReader {
  /** @throws {LayerInvalid} the archive is damaged */
  write(chunk: Buffer): void
  /** @throws {LayerInvalid} the archive ends within an entry */
  close(): void
}

/** What one header may say beyond its block: names and attributes, not files. */
const MAX_META_BYTES = 1 << 20

/** Takes the bytes behind a header. */
interface Body {
  data(chunk: Buffer): void
  end(): void
}

const SKIP: Body = { data: () => {}, end: () => {} }

/** Where the next block belongs. */
type NextBlock = (block: Buffer, at: number) => void

export function openTarReader(handler: TarHandler): TarReader {
  let globals: PaxRecords = NO_RECORDS
  let locals: PaxRecords | undefined
  let longName: Buffer | undefined
  let longLink: Buffer | undefined
  let body: Body = SKIP
  let bodyLeft = 0
  let paddingLeft = 0
  let emptyBlocks = 0
  const partBlock = Buffer.alloc(BLOCK)
  let partBytes = 0

  const beginBody = (next: Body, sizeBytes: number) => {
    body = next
    bodyLeft = sizeBytes
    paddingLeft = -sizeBytes & (BLOCK - 1)
    if (sizeBytes === 0) next.end()
  }
  const onHeader: NextBlock = (block, at) => {
    const header = readHeader(block, at, longName !== undefined)
    if (header === undefined) {
      emptyBlocks++
      return
    }
    if (emptyBlocks > 0) throw new LayerInvalid('an empty block stands among its headers')
    if (header.key === 'x' || header.key === 'g' || header.key === 'L' || header.key === 'K') beginMeta(header)
    else beginEntry(header, block, at)
  }
  const beginMeta = ({ key, size }: RawHeader) => {
    if (!(size >= 0 && size <= MAX_META_BYTES)) throw new LayerInvalid('an extended header is too long')
    beginBody(
      gather(size, (data) => {
        if (key === 'g') globals = parseGlobalPax(data, globals)
        else if (key === 'x') locals = parsePax(data, locals ?? globals)
        else if (key === 'L') longName = data
        else longLink = data
      }),
      size,
    )
  }
  const beginEntry = (header: RawHeader, block: Buffer, at: number) => {
    const records = locals ?? globals
    const entry = makeEntry(header, { records, longName, longLink })
    locals = longName = longLink = undefined
    if (entry === undefined) return beginBody(SKIP, storedBytes(header, records))
    if (entry.type !== 'file') return handler.entry(entry)
    const stored = storedBytes(header, records)
    if (header.key === 'S') beginOldSparse(entry, block, { at, stored })
    else if (isSparse10(records)) beginSparse10(entry, stored)
    else beginFile(entry, stored)
  }
  const beginFile = (entry: LayerEntry, stored: number) => {
    handler.entry(entry)
    beginBody(handler, stored)
  }
  const beginOldSparse = (entry: LayerEntry, block: Buffer, { at, stored }: { at: number; stored: number }) => {
    const size = oldGnuRealSize(block, at)
    const extents: Extent[] = oldGnuExtents(block, at + 386, 4)
    const begin = () => beginFile({ ...entry, size, extents: checkedExtents(extents, size) }, stored)
    if (block[at + 482] === 0) return begin()
    onBlock = (more, start) => {
      extents.push(...oldGnuExtents(more, start, 21))
      checkedExtents(extents, size)
      if (more[start + 504] !== 0) return
      onBlock = onHeader
      begin()
    }
  }
  /** The map comes in whole blocks, which count as stored bytes. */
  const beginSparse10 = (entry: LayerEntry, stored: number) => {
    const map = openSparseMap()
    let left = stored
    onBlock = (block, at) => {
      left -= BLOCK
      const extents = map.add(block.subarray(at, at + BLOCK))
      if (left < 0 || (extents === undefined && left === 0)) throw new LayerInvalid('a sparse file has no whole map')
      if (extents === undefined) return
      onBlock = onHeader
      beginFile({ ...entry, extents: checkedExtents(extents, entry.size) }, left)
    }
  }
  let onBlock: NextBlock = onHeader

  const takeBody = (chunk: Buffer, at: number): number => {
    const taken = Math.min(bodyLeft, chunk.length - at)
    bodyLeft -= taken
    const current = body
    current.data(chunk.subarray(at, at + taken))
    if (bodyLeft === 0) current.end()
    return taken
  }
  const takeBlock = (chunk: Buffer, at: number): number => {
    if (partBytes === 0 && chunk.length - at >= BLOCK) {
      onBlock(chunk, at)
      return BLOCK
    }
    const taken = chunk.copy(partBlock, partBytes, at, at + BLOCK - partBytes)
    partBytes += taken
    if (partBytes === BLOCK) {
      partBytes = 0
      onBlock(partBlock, 0)
    }
    return taken
  }
  return {
    write: (chunk) => {
      // What follows two empty blocks is no part of the archive, whatever it looks like.
      for (let at = 0; at < chunk.length && emptyBlocks < 2; ) {
        if (bodyLeft > 0) at += takeBody(chunk, at)
        else if (paddingLeft > 0) {
          const taken = Math.min(paddingLeft, chunk.length - at)
          paddingLeft -= taken
          at += taken
        } else at += takeBlock(chunk, at)
      }
    },
    close: () => {
      if (bodyLeft > 0 || onBlock !== onHeader) throw new LayerInvalid('it ends within a file')
      if (partBytes > 0 || locals !== undefined || longName !== undefined || longLink !== undefined)
        throw new LayerInvalid('it ends within a header')
    },
  }
}

/** Collects a body in memory. */
function gather(sizeBytes: number, done: (data: Buffer) => void): Body {
  const data = Buffer.allocUnsafe(sizeBytes)
  let used = 0
  return {
    data: (chunk) => {
      used += chunk.copy(data, used)
    },
    end: () => done(data),
  }
}
