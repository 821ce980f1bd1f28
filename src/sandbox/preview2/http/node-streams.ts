/** Streams of Node as those of components: whoever would wait is suspended until an event says that it need not. */
import type { Readable, Writable } from 'node:stream'
import { IoError, type Sink, type Source, StreamClosed } from '../streams.ts'
import { errorCodeOf } from './error-code.ts'

/** Called by any of the events, resolves once for all who wait. */
function openBell(): { ring: () => void; wait: () => Promise<void> } {
  let next = Promise.withResolvers<void>()
  return {
    ring: () => {
      next.resolve()
      next = Promise.withResolvers<void>()
    },
    wait: () => next.promise,
  }
}

export function readableSource(stream: Readable): Source {
  const bell = openBell()
  let kept: Buffer | undefined
  let failed: unknown
  stream.on('readable', bell.ring).on('end', bell.ring).on('close', bell.ring)
  stream.on('error', (error) => {
    failed = error
    bell.ring()
  })
  const fill = () => {
    kept ??= (stream.read() as Buffer | null) ?? undefined
    return kept
  }
  const ended = () => failed !== undefined || stream.readableEnded || stream.destroyed
  return {
    read: (max) => {
      const bytes = fill()
      if (bytes !== undefined) {
        kept = max < bytes.length ? bytes.subarray(max) : undefined
        return bytes.subarray(0, max)
      }
      if (stream.readableEnded) return undefined
      if (ended()) throw new IoError('the connection is gone', { http: errorCodeOf(failed) })
      return new Uint8Array()
    },
    ready: () => fill() !== undefined || ended(),
    wait: bell.wait,
    close: () => void stream.resume(), // what nobody reads must not stop the connection
  }
}

/** @param accept - looks at the number of bytes before they are taken */
export function writableSink(stream: Writable, accept: (bytes: number) => void): Sink {
  const bell = openBell()
  stream.on('drain', bell.ring).on('close', bell.ring).on('error', bell.ring)
  const check = () => {
    if (stream.destroyed || stream.writableEnded) throw new StreamClosed()
  }
  return {
    room: () => {
      check()
      return stream.writableNeedDrain ? 0 : stream.writableHighWaterMark
    },
    write: (bytes) => {
      check()
      accept(bytes.length)
      stream.write(bytes)
    },
    wait: bell.wait,
  }
}
