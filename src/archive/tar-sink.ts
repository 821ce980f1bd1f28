/** Writes a tree as a tar archive. */
import type { ByteString } from '../linux/apply.ts'
import type { TreeSink } from '../linux/archive.ts'
import { ArchiveUnwritten } from './errors.ts'
import { BLOCK, tarHeader } from './tar-header.ts'

export interface TarOptions {
  /** The name in the archive; undefined leaves the entry out. */
  readonly place: (path: ByteString) => ByteString | undefined
}

export interface TarSink extends TreeSink {
  /** Blocks of the archive that say something else than an entry. */
  blocks(bytes: Buffer): void
  /** The end of the archive. */
  finish(): Promise<void>
}

const GATHERED_BYTES = 512 * 1024
const LARGE_BYTES = 64 * 1024
const ZEROS = Buffer.alloc(2 * BLOCK)

export function tarSink(output: NodeJS.WritableStream, { place }: TarOptions): TarSink {
  let padding = -1
  let full = false
  let failure: NodeJS.ErrnoException | undefined
  output.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error
  })
  const pass = (bytes: Buffer) => {
    if (bytes.length > 0 && !output.write(bytes)) full = true
  }
  let gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES)
  let [start, end] = [0, 0]
  const cut = () => {
    pass(gathered.subarray(start, end))
    start = end
  }
  /** Small pieces are put together: each costs a stream more than its bytes. What has been passed on is not written to again. */
  const write = (bytes: Buffer) => {
    if (bytes.length > LARGE_BYTES) {
      cut()
      return pass(bytes)
    }
    if (bytes.length > gathered.length - end) {
      cut()
      gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES)
      start = 0
      end = 0
    }
    end += bytes.copy(gathered, end)
  }
  return {
    entry: (entry) => {
      const name = place(entry.path)
      if (name === undefined) return
      const link = entry.hardLink === '' ? undefined : place(entry.hardLink)
      const { blocks, storedBytes } = tarHeader(entry, name, link)
      write(blocks)
      padding = storedBytes > 0 ? -storedBytes & (BLOCK - 1) : -1
    },
    data: (chunk) => write(chunk),
    blocks: (bytes) => write(bytes),
    end: () => {
      if (padding > 0) write(ZEROS.subarray(0, padding))
      padding = -1
    },
    flush: async () => {
      if (full || failure !== undefined) await drained(output, () => failure)
      full = false
    },
    finish: async () => {
      write(ZEROS)
      cut()
      if (full || failure !== undefined) await drained(output, () => failure)
    },
  }
}

/** @throws {ArchiveUnwritten} nobody reads any more, or the disk is full */
async function drained(output: NodeJS.WritableStream, failure: () => NodeJS.ErrnoException | undefined): Promise<void> {
  if (output.writable && failure() === undefined) await drainOrEnd(output)
  const cause = failure()
  if (cause !== undefined && cause.code !== 'EPIPE') throw new ArchiveUnwritten(cause.message, { cause })
  if (cause !== undefined || !output.writable) throw new ArchiveUnwritten('nobody reads it any more', { cause })
}

function drainOrEnd(output: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      output.off('drain', settle).off('close', settle).off('error', settle)
      resolve()
    }
    output.on('drain', settle).on('close', settle).on('error', settle)
  })
}
