/** Writes a tar entry by entry; memory does not grow with the files. */
import { InvalidArgument } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'

export interface ArchiveFile {
  readonly path: string
  readonly sizeBytes: number
  /** Permission bits; 0644 when absent. */
  readonly mode?: number
  /** Exactly `sizeBytes` bytes. */
  readonly open: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

const BLOCK_BYTES = 512
/** The same content gives the same archive, whenever it is written. */
const EPOCH = new Date(0)

/** The bytes of a tar with these regular files, and of every directory above them. */
export async function* writeTar(files: AsyncIterable<ArchiveFile> | Iterable<ArchiveFile>): AsyncGenerator<Uint8Array> {
  const { Header } = await import('tar')
  const headerOf = (path: string, type: 'File' | 'Directory', size: number, mode = 0o755): Buffer => {
    const block = Buffer.alloc(BLOCK_BYTES)
    const long = new Header({ path, type, size, mode, mtime: EPOCH, uid: 0, gid: 0 }).encode(block)
    if (long) throw new InvalidArgument(`${path}: the path is too long for a plain tar`)
    return block
  }
  const seen = new Set<string>()
  for await (const { path, sizeBytes, mode = 0o644, open } of files) {
    for (const directory of parentsOf(path)) {
      if (seen.has(directory)) continue
      seen.add(directory)
      yield headerOf(`${directory}/`, 'Directory', 0)
    }
    yield headerOf(path, 'File', sizeBytes, mode)
    let written = 0
    for await (const chunk of open()) {
      written += chunk.byteLength
      yield chunk
    }
    if (written !== sizeBytes) throw new Error(`${path} has ${written} bytes instead of ${sizeBytes}`)
    yield Buffer.alloc((BLOCK_BYTES - (written % BLOCK_BYTES)) % BLOCK_BYTES)
  }
  yield Buffer.alloc(2 * BLOCK_BYTES)
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** A small file from memory. */
export function memoryFile(path: string, content: string): ArchiveFile {
  const bytes = Buffer.from(content)
  return { path, sizeBytes: bytes.byteLength, open: () => [bytes] }
}

/** Where a blob stands in an OCI layout. */
export function layoutPath({ digest }: Pick<Descriptor, 'digest'>): string {
  return `blobs/${digest.replace(':', '/')}`
}
