/** Plain, gzip or zstd, told by the first bytes. */
import { PassThrough, type Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { Compression } from '../oci/media-types.ts'
import { ArchiveInvalid } from './errors.ts'

/** What a stream that begins with `head` is compressed with. @throws {ArchiveInvalid} bzip2 or xz, which Coracle does not read */
export function sniffCompression(head: Uint8Array): Compression {
  const hex = Buffer.from(head.subarray(0, 6)).toString('hex')
  if (hex.startsWith('1f8b')) return 'gzip'
  if (hex.startsWith('28b52ffd') || /^5.2a4d18/.test(hex)) return 'zstd'
  if (hex.startsWith('425a68') || hex.startsWith('fd377a585a00')) {
    const name = hex.startsWith('fd') ? 'xz' : 'bzip2'
    throw new ArchiveInvalid(`the archive is compressed with ${name}`, { hint: `unpack it first: ${name} -d` })
  }
  return 'none'
}

export function decompressor(compression: Compression): Transform {
  if (compression === 'gzip') return createGunzip()
  return compression === 'zstd' ? createZstdDecompress() : new PassThrough()
}

/** The stream with its first bytes looked at, and nothing lost. */
export async function peek(
  input: NodeJS.ReadableStream,
  wantedBytes = 6,
): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const iterator = (input as Readable)[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>
  const first: Buffer[] = []
  let length = 0
  while (length < wantedBytes) {
    const { done, value } = await iterator.next()
    if (done === true) break
    first.push(Buffer.from(value))
    length += value.length
  }
  const all = (async function* () {
    yield* first
    for (;;) {
      const { done, value } = await iterator.next()
      if (done === true) return
      yield Buffer.isBuffer(value) ? value : Buffer.from(value)
    }
  })()
  return { head: Buffer.concat(first), all }
}
