/** Streams of files and of the process. */
import type { OpenFile } from '../preview1/files.ts'
import type { Sink, Source } from './streams.ts'

/** A file takes all that it is given; more at once would only take memory. */
const ROOM_BYTES = 1 << 16

/** What comes from a pipe or terminal. */
export function inputOf(stream: OpenFile): Source {
  return {
    read: (max) => {
      const available = stream.readable?.()
      if (available === undefined) return new Uint8Array()
      if (available === 0) return undefined
      return nonEmpty(stream, max, undefined)
    },
    ready: () => stream.readable?.() !== undefined,
    wait: () => stream.waitReadable?.(),
  }
}

export function outputOf(stream: OpenFile): Sink {
  return { room: () => ROOM_BYTES, write: (bytes) => void stream.write([bytes], undefined) }
}

/** @param file - shared with the descriptor that it is of; `release` gives it back */
export function fileSource(file: OpenFile, offset: bigint, release: () => void): Source {
  let at = Number(offset)
  return {
    read: (max) => {
      const bytes = nonEmpty(file, max, at)
      at += bytes?.length ?? 0
      return bytes
    },
    ready: () => true,
    wait: () => {},
    close: release,
  }
}

/** @param offset - undefined: always at the end */
export function fileSink(file: OpenFile, offset: bigint | undefined, release: () => void): Sink {
  let at = Number(offset ?? 0n)
  return {
    room: () => ROOM_BYTES,
    write: (bytes) => {
      for (let rest = bytes; rest.length > 0; ) {
        const done = file.write([rest], offset === undefined ? Number(file.status().size) : at)
        at += done
        rest = rest.subarray(done)
      }
    },
    close: release,
  }
}

function nonEmpty(file: OpenFile, max: number, position: number | undefined): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.min(max, ROOM_BYTES))
  const read = file.read([bytes], position)
  return read === 0 ? undefined : bytes.subarray(0, read)
}
