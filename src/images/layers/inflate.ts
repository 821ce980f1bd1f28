/** The tar in a layer's blob: inflated chunk by chunk, bounded in number and in ratio to what came in. */
import { type Readable, Transform } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { type Compression, layerCompression } from '../../oci/media-types.ts'
import { peek, sniffCompression } from '../decompress.ts'
import { LayerInvalid } from './errors.ts'
import { DEFAULT_LIMITS, type UnpackLimits } from './types.ts'

export interface InflateOptions {
  readonly mediaType: string
  readonly limits?: Partial<UnpackLimits> | undefined
  /** Called with the compressed bytes read so far. */
  readonly onProgress?: ((compressedBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

const CHUNK_BYTES = 1 << 20
/** Chunks that wait inflated while the one before them is being worked on. */
const AHEAD_BYTES = 3 * CHUNK_BYTES

/**
 * The caller destroys `blob` in the end; it is read to its own end first, unless something fails.
 *
 * @throws {LayerInvalid} the compression is damaged or unknown, or there is too much in it
 */
export async function* inflate(blob: Readable, options: InflateOptions): AsyncGenerator<Buffer> {
  const { signal } = options
  const { maxBytes, maxRatio, ratioFromBytes } = { ...DEFAULT_LIMITS, ...options.limits }
  let consumed = 0
  let produced = 0
  if (layerCompression(options.mediaType) === undefined)
    throw new LayerInvalid(`${options.mediaType} is no layer that can be unpacked`)
  // The bytes decide, where they and the media type disagree: registries are full of mislabelled layers.
  const { head, all } = await peek(blob)
  const stream = decompressor(compressionOf(head))
  const feeding = feed(stream, all, (bytes) => {
    consumed += bytes
    options.onProgress?.(consumed)
  })
  feeding.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted()
      produced += chunk.length
      if (produced > maxBytes) throw new LayerInvalid(`it inflates to more than ${maxBytes} bytes`)
      if (produced > ratioFromBytes && produced > consumed * maxRatio)
        throw new LayerInvalid(`it inflates to more than ${maxRatio} times its size`)
      yield chunk
    }
  } catch (error) {
    throw isZlibError(error) ? new LayerInvalid(`it cannot be inflated (${error.message})`, { cause: error }) : error
  } finally {
    stream.destroy()
  }
  await feeding
}

function compressionOf(head: Uint8Array): Compression {
  try {
    return sniffCompression(head)
  } catch (error) {
    throw new LayerInvalid('it is compressed with something that no layer may be compressed with', { cause: error })
  }
}

function decompressor(compression: Compression): Transform {
  const options = { chunkSize: CHUNK_BYTES, readableHighWaterMark: AHEAD_BYTES }
  if (compression === 'gzip') return createGunzip(options)
  if (compression === 'zstd')
    // 128 MiB: what every zstd decoder accepts
    return createZstdDecompress({ ...options, params: { [constants.ZSTD_d_windowLogMax]: 27 } })
  return new Transform({ ...options, transform: (chunk: Buffer, _encoding, done) => done(null, chunk) })
}

async function feed(stream: Transform, blob: AsyncIterable<Buffer>, onBytes: (count: number) => void): Promise<void> {
  for await (const chunk of blob) {
    if (stream.destroyed) return
    onBytes(chunk.length)
    if (stream.write(chunk)) continue
    await new Promise<void>((resolve) => {
      const go = () => {
        stream.off('drain', go).off('close', go)
        resolve()
      }
      stream.on('drain', go).on('close', go)
    })
  }
  stream.end()
}

function isZlibError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_BUFFER)/.test(String(error.code))
}
