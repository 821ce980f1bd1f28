/** A module's memory as its host sees it: every address is the module's word, and is checked before it is used. */
import { Refusal } from './errno.ts'

const MAX_PATH_BYTES = 4096
const MAX_VECTORS = 1024
const VECTOR_BYTES = 8
const REPLACEMENT = '\ufffd'

export interface GuestMemory {
  /** Only looks whether they are there. @throws {Refusal} EFAULT */
  need(at: number, size: number): void
  /** A window that stays valid until the module runs again. @throws {Refusal} EFAULT */
  bytes(at: number, size: number): Uint8Array
  /** @throws {Refusal} ENAMETOOLONG beyond 4096 bytes, EILSEQ if it is no UTF-8 */
  path(at: number, size: number): string
  /** Of a scatter or gather list; at most 1024, as Linux has it. Empty ones are left out. The list holds until the next is asked for. */
  vectors(at: number, count: number): Uint8Array[]
  readU8(at: number): number
  readU16(at: number): number
  readU32(at: number): number
  readU64(at: number): bigint
  writeU8(at: number, value: number): void
  writeU16(at: number, value: number): void
  writeU32(at: number, value: number): void
  writeU64(at: number, value: bigint): void
}

/** @param buffer - asked for when what was known of it is too small: growing the memory makes the old one useless, and empty */
export function openMemory(buffer: () => ArrayBuffer): GuestMemory {
  let all = new Uint8Array(0)
  let text = Buffer.from(all.buffer)
  let view = new DataView(all.buffer)
  /** @returns where it begins, when all of it is there. Comes first: it may replace `all` and `view` */
  const begin = (at: number, size: number): number => {
    const start = at >>> 0
    if (start + size <= all.length) return start
    all = new Uint8Array(buffer())
    text = Buffer.from(all.buffer)
    lastStart = -1
    view = new DataView(all.buffer)
    if (start + size > all.length) throw new Refusal('EFAULT')
    return start
  }
  /** Programs read and write by way of the same buffer again and again. */
  let last: Uint8Array[] = []
  let [lastStart, lastSize] = [-1, 0]
  const only = (start: number, size: number): Uint8Array[] => {
    if (lastStart === start && lastSize === size) return last
    last = [all.subarray(start, start + size)]
    lastStart = start
    lastSize = size
    return last
  }
  const bytes = (at: number, size: number) => {
    const start = begin(at, size >>> 0)
    return all.subarray(start, start + (size >>> 0))
  }
  return {
    need: (at, size) => void begin(at, size >>> 0),
    bytes,
    path: (at, size) => {
      if (size >>> 0 > MAX_PATH_BYTES) throw new Refusal('ENAMETOOLONG')
      const start = begin(at, size >>> 0)
      const end = start + (size >>> 0)
      const path = text.toString('utf8', start, end)
      // As many characters as bytes, none of them in place of what is no UTF-8: ASCII, and there is little else.
      if (path.length === end - start && !path.includes(REPLACEMENT)) return path
      return decodeText(all.subarray(start, end))
    },
    vectors: (at, count) => {
      if (count >>> 0 > MAX_VECTORS) throw new Refusal('EINVAL')
      const list = begin(at, (count >>> 0) * VECTOR_BYTES)
      if (count === 1) {
        const size = view.getUint32(list + 4, true)
        const start = begin(view.getUint32(list, true), size)
        return size === 0 ? [] : only(start, size)
      }
      const vectors: Uint8Array[] = []
      for (let from = list; from < list + (count >>> 0) * VECTOR_BYTES; from += VECTOR_BYTES) {
        const size = view.getUint32(from + 4, true)
        const start = begin(view.getUint32(from, true), size)
        if (size > 0) vectors.push(all.subarray(start, start + size))
      }
      return vectors
    },
    readU8: (at) => {
      const start = begin(at, 1)
      return view.getUint8(start)
    },
    readU16: (at) => {
      const start = begin(at, 2)
      return view.getUint16(start, true)
    },
    readU32: (at) => {
      const start = begin(at, 4)
      return view.getUint32(start, true)
    },
    readU64: (at) => {
      const start = begin(at, 8)
      return view.getBigUint64(start, true)
    },
    writeU8: (at, value) => {
      const start = begin(at, 1)
      view.setUint8(start, value)
    },
    writeU16: (at, value) => {
      const start = begin(at, 2)
      view.setUint16(start, value, true)
    },
    writeU32: (at, value) => {
      const start = begin(at, 4)
      view.setUint32(start, value, true)
    },
    writeU64: (at, value) => {
      const start = begin(at, 8)
      view.setBigUint64(start, value, true)
    },
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws {Refusal} EILSEQ */
export function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (error) {
    throw new Refusal('EILSEQ', { cause: error })
  }
}
