/** Is a file a tar archive, and how is it compressed? By its content: names mean nothing. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
]
const BLOCK = 512

const { O_RDONLY, O_NONBLOCK } = constants

/** @returns undefined: neither a tar nor compressed, or no file. What is compressed may turn out not to be a tar. */
export function archiveKind(path: string): Compression | undefined {
  const descriptor = openSync(path, O_RDONLY | O_NONBLOCK) // a pipe without a writer would be waited for
  try {
    if (!fstatSync(descriptor).isFile()) return undefined
    const block = Buffer.alloc(BLOCK)
    const length = readSync(descriptor, block, 0, BLOCK, 0)
    return compressionOf(block.subarray(0, length))
  } finally {
    closeSync(descriptor)
  }
}

/** The same of its first 512 bytes. */
export function compressionOf(head: Buffer): Compression | undefined {
  const found = MAGIC.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte))
  if (found !== undefined) return found[0]
  return head.length >= BLOCK && isHeader(head.subarray(0, BLOCK)) ? 'none' : undefined
}

/** The sum of its bytes stands in a tar header, counted with blanks in its own place. */
export function isHeader(block: Buffer): boolean {
  const told = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]+/g, ''), 8)
  let sum = 0
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte
  return sum === told
}
