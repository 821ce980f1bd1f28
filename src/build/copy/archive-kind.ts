/** Is a file a tar archive, and how is it compressed? By its content: names mean nothing. */
import { spawn } from 'node:child_process'
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from 'node:fs'
import { PassThrough, type Readable } from 'node:stream'
import { CopyFailed } from '../errors.ts'

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
]
const BLOCK = 512

const { O_RDONLY, O_NONBLOCK } = constants

/** @returns undefined: no tar, compressed or not, or no file at all */
export async function archiveKind(path: string): Promise<Compression | undefined> {
  const compression = compressionOf(headOf(path))
  if (compression === undefined || compression === 'none') return compression
  const head = await inflatedHead({ path, compression })
  return head.length === BLOCK && isHeader(head) ? compression : undefined
}

/** By the first 512 bytes. What is compressed may turn out to be no tar. @returns undefined: neither a tar nor compressed */
export function compressionOf(head: Buffer): Compression | undefined {
  const found = MAGIC.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte))
  if (found !== undefined) return found[0]
  return head.length >= BLOCK && isHeader(head.subarray(0, BLOCK)) ? 'none' : undefined
}

function headOf(path: string): Buffer {
  const descriptor = openSync(path, O_RDONLY | O_NONBLOCK) // a pipe without a writer would be waited for
  try {
    const block = Buffer.alloc(BLOCK)
    return fstatSync(descriptor).isFile()
      ? block.subarray(0, readSync(descriptor, block, 0, BLOCK, 0))
      : Buffer.alloc(0)
  } finally {
    closeSync(descriptor)
  }
}

/** Empty where it cannot be inflated: then it is no archive either. */
async function inflatedHead(archive: Archive): Promise<Buffer> {
  const { decompressor, peek } = await import('../../images/decompress.ts')
  const source = openArchive(archive)
  const { compression } = archive
  const plain = compression === 'gzip' || compression === 'zstd' ? source.pipe(decompressor(compression)) : source
  source.once('error', (error) => plain.destroy(error))
  try {
    const { head } = await peek(plain, BLOCK)
    return head.subarray(0, BLOCK)
  } catch (error) {
    if (error instanceof CopyFailed && error.cause !== undefined) throw error // there is no program that could tell
    return Buffer.alloc(0)
  } finally {
    source.destroy()
    plain.destroy()
  }
}

/** The sum of its bytes stands in a tar header, counted with blanks in its own place. */
export function isHeader(block: Buffer): boolean {
  const told = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]+/g, ''), 8)
  let sum = 0
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte
  return sum === told
}

export interface Archive {
  /** On the host. */
  readonly path: string
  readonly compression: Compression
  /** As the user knows it; undefined: by its path. */
  readonly name?: string
}

/** The bytes of the file; what Node cannot inflate, the usual programs do. */
export function openArchive({ path, compression, name = path }: Archive): Readable {
  if (compression !== 'bzip2' && compression !== 'xz') return createReadStream(path, { highWaterMark: 1 << 19 })
  const output = new PassThrough({ highWaterMark: 1 << 19 })
  const child = spawn(compression, ['-dc', '--', path], { stdio: ['ignore', 'pipe', 'ignore'] })
  const failed = (reason: string, cause?: Error) => {
    const options = { hint: `is ${compression} installed?`, cause }
    output.destroy(new CopyFailed(`cannot inflate ${name}: ${reason}`, options))
  }
  child.stdout.pipe(output, { end: false })
  child.once('error', (error) => failed(error.message, error))
  // What it has written is whole when it says so, and not when there is no more.
  child.once('close', (status, signal) => {
    if (status === 0) output.end()
    else failed(`${compression} ended with ${status ?? signal}`)
  })
  output.once('close', () => child.kill())
  return output
}
