/** Writes a tree as a tar archive. */
import type { ByteString } from '../../linux/apply.ts'
import type { TreeSink } from '../../linux/archive.ts'
import { ArchiveUnwritten } from './errors.ts'
import { BLOCK, tarHeader } from './tar-header.ts'

export interface TarOptions {
  /** The name in the archive; undefined leaves the entry out. */
  readonly place: (path: ByteString) => ByteString | undefined
}

export interface TarSink extends TreeSink {
  /** The end of the archive. */
  finish(): Promise<void>
}

export function tarSink(output: NodeJS.WritableStream, { place }: TarOptions): TarSink {
  let padding = -1
  let full = false
  const write = (bytes: Buffer) => {
    if (bytes.length > 0 && !output.write(bytes)) full = true
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
    end: () => {
      if (padding > 0) write(Buffer.alloc(padding))
      padding = -1
    },
    flush: async () => {
      if (full) await drained(output)
      full = false
    },
    finish: async () => {
      write(Buffer.alloc(2 * BLOCK))
      if (full) await drained(output)
    },
  }
}

/** @throws {ArchiveUnwritten} nobody reads any more, or the disk is full */
async function drained(output: NodeJS.WritableStream): Promise<void> {
  if (output.writable) await drainOrEnd(output)
  if (!output.writable) throw new ArchiveUnwritten('nobody reads it any more')
}

function drainOrEnd(output: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const forget = () => output.off('drain', settle).off('close', settle).off('error', fail)
    const settle = () => {
      forget()
      resolve()
    }
    const fail = (error: NodeJS.ErrnoException) => {
      forget()
      const broken = error.code === 'EPIPE'
      reject(new ArchiveUnwritten(broken ? 'nobody reads it any more' : error.message, { cause: error }))
    }
    output.on('drain', settle).on('close', settle).on('error', fail)
  })
}
