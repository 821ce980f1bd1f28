/** gzip in blocks on several processors (RFC 1951, 1952). The blocks' size is fixed: the same bytes give the same file. */
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

const BLOCK_BYTES = 1 << 20
/** How far back deflate looks. */
const WINDOW_BYTES = 32 << 10
/** Node's own threads are four. */
const MAX_AT_ONCE = 4

/** No name, no time, no system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** An empty block that says: the last one. */
const LAST_BLOCK = Buffer.from([3, 0])

const deflate = promisify<Buffer, object, Buffer>(deflateRaw)

/** One member that every reader takes. Memory does not grow with the size. @param level - 0 to 9 */
export async function* gzip(source: AsyncIterable<Uint8Array>, level: number): AsyncGenerator<Buffer> {
  const pending: Promise<Buffer>[] = []
  const limit = Math.min(availableParallelism(), MAX_AT_ONCE) + 1
  let checksum = 0
  let sizeBytes = 0
  let before: Buffer = Buffer.alloc(0)
  yield HEADER
  try {
    for await (const block of blocksOf(source)) {
      checksum = crc32(block, checksum)
      sizeBytes += block.byteLength
      const dictionary = before.subarray(-WINDOW_BYTES)
      // Each block ends at a byte, so that the next may follow whatever it is compressed beside.
      const options = { level, finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary.length > 0 && { dictionary }) }
      const work = deflate(block, options)
      work.catch(() => {}) // awaited below, unless an earlier one has failed
      pending.push(work)
      before = block
      const first = pending.length === limit ? pending.shift() : undefined
      if (first !== undefined) yield await first
    }
    for (const work of pending.splice(0)) yield await work
  } finally {
    await Promise.allSettled(pending)
  }
  yield Buffer.concat([LAST_BLOCK, trailer(checksum, sizeBytes)])
}

function trailer(checksum: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(checksum, 0)
  bytes.writeUInt32LE(sizeBytes % 2 ** 32, 4)
  return bytes
}

async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES)
  let filled = 0
  for await (const chunk of source) {
    for (let from = 0; from < chunk.byteLength; ) {
      const part = chunk.subarray(from, from + BLOCK_BYTES - filled)
      block.set(part, filled)
      from += part.byteLength
      filled += part.byteLength
      if (filled < BLOCK_BYTES) continue
      yield block
      block = Buffer.allocUnsafe(BLOCK_BYTES)
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
