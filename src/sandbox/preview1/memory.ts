/** A module's memory as its host sees it: every address is the module's word, and is checked before it is used. */
import { Refusal } from './errno.ts'

const MAX_PATH_BYTES = 4096
const MAX_VECTORS = 1024
const VECTOR_BYTES = 8

export interface GuestMemory {
  /** A window that stays valid until the module runs again. @throws {Refusal} EFAULT */
  bytes(at: number, size: number): Uint8Array
  /** @throws {Refusal} ENAMETOOLONG beyond 4096 bytes, EILSEQ if it is no UTF-8 */
  path(at: number, size: number): string
  /** Of a scatter or gather list; at most 1024, as Linux has it. Empty ones are left out. */
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

/** @param buffer - asked for at each access: growing the memory makes the old one useless */
export function openMemory(buffer: () => ArrayBuffer): GuestMemory {
  const view = (at: number, size: number) => {
    const start = at >>> 0
    const all = buffer()
    if (start + size > all.byteLength) throw new Refusal('EFAULT')
    return new DataView(all, start, size)
  }
  const bytes = (at: number, size: number) => {
    const { byteOffset, byteLength } = view(at, size >>> 0)
    return new Uint8Array(buffer(), byteOffset, byteLength)
  }
  return {
    bytes,
    path: (at, size) => {
      if (size >>> 0 > MAX_PATH_BYTES) throw new Refusal('ENAMETOOLONG')
      return decodeText(bytes(at, size))
    },
    vectors: (at, count) => {
      if (count >>> 0 > MAX_VECTORS) throw new Refusal('EINVAL')
      const list = view(at, (count >>> 0) * VECTOR_BYTES)
      return Array.from({ length: count >>> 0 }, (_, index) =>
        bytes(list.getUint32(index * VECTOR_BYTES, true), list.getUint32(index * VECTOR_BYTES + 4, true)),
      ).filter(({ length }) => length > 0)
    },
    readU8: (at) => view(at, 1).getUint8(0),
    readU16: (at) => view(at, 2).getUint16(0, true),
    readU32: (at) => view(at, 4).getUint32(0, true),
    readU64: (at) => view(at, 8).getBigUint64(0, true),
    writeU8: (at, value) => view(at, 1).setUint8(0, value),
    writeU16: (at, value) => view(at, 2).setUint16(0, value, true),
    writeU32: (at, value) => view(at, 4).setUint32(0, value, true),
    writeU64: (at, value) => view(at, 8).setBigUint64(0, value, true),
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
