/** Reads what must be a small file, though somebody may have put something else in its place. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const { O_RDONLY, O_NONBLOCK } = constants
const CHUNK_BYTES = 64 << 10

/**
 * The bytes of a regular file; of a pipe or a device none are read, nor is one waited for.
 *
 * @throws the error of the system: it is not there, or may not be read
 */
export function readRegularFile(path: string, maxBytes: number): Buffer | 'no file' | 'too large' {
  const descriptor = openSync(path, O_RDONLY | O_NONBLOCK)
  try {
    if (!fstatSync(descriptor).isFile()) return 'no file'
    const chunks: Buffer[] = []
    let size = 0
    for (let count = -1; count !== 0 && size <= maxBytes; size += count) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      count = readSync(descriptor, chunk, 0, CHUNK_BYTES, null)
      chunks.push(chunk.subarray(0, count))
    }
    return size > maxBytes ? 'too large' : Buffer.concat(chunks)
  } finally {
    closeSync(descriptor)
  }
}
