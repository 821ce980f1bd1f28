/** docker's stream framing: 8 bytes (stream, 0, 0, 0, length big-endian), then the payload. */
import { Writable } from 'node:stream'

const HEADER_BYTES = 8

/** Stream 1 is stdout, 2 stderr; others are dropped. */
export type FrameTargets = Readonly<Partial<Record<number, Writable>>>

/**
 * Takes framed bytes cut anywhere, and passes payloads on without collecting them. A slow target slows the source down.
 * Closing it does not close the targets.
 */
export function demultiplexer(targets: FrameTargets): Writable {
  const header = Buffer.alloc(HEADER_BYTES)
  let headerLength = 0
  let remaining = 0
  let target: Writable | undefined

  /** @returns the target that is full, if one is */
  function take(chunk: Buffer): Writable | undefined {
    let full: Writable | undefined
    for (let offset = 0; offset < chunk.length; ) {
      if (remaining === 0) {
        const count = Math.min(HEADER_BYTES - headerLength, chunk.length - offset)
        chunk.copy(header, headerLength, offset, offset + count)
        headerLength += count
        offset += count
        if (headerLength < HEADER_BYTES) break
        headerLength = 0
        remaining = header.readUInt32BE(4)
        target = targets[header[0] ?? 0]
        continue
      }
      const payload = chunk.subarray(offset, offset + remaining)
      offset += payload.length
      remaining -= payload.length
      if (target !== undefined && !target.write(payload)) full = target
    }
    return full
  }

  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const full = take(chunk)
      if (full === undefined || full.destroyed) done()
      else whenDrained(full, done)
    },
  })
}

function whenDrained(target: Writable, done: () => void): void {
  const finish = () => {
    target.off('drain', finish)
    target.off('close', finish)
    done()
  }
  target.once('drain', finish)
  target.once('close', finish)
}
