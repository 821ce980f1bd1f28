/** From a layer's compressed bytes to its files below one directory, in overlayfs's form of whiteouts. */
import { createHash } from 'node:crypto'
import type { Readable, Transform } from 'node:stream'
import { PassThrough } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import type { ApplyOptions } from '../../linux/apply.ts'
import type { Digest } from '../../oci/digest.ts'
import { type Compression, layerCompression } from '../../oci/media-types.ts'
import { sniffCompression } from '../decompress.ts'
import { applyEntry, type OpaqueAttribute } from './apply-entry.ts'
import { DiffIDMismatch, LayerInvalid } from './errors.ts'
import { openTarReader } from './tar-reader.ts'

export interface UnpackOptions {
  /** The compressed bytes. */
  readonly blob: Readable
  readonly mediaType: string
  /** What the inflated bytes must hash to. */
  readonly diffID: Digest
  /** An empty directory; after a failure whatever is in it is worthless. */
  readonly target: string
  readonly onProgress?: (compressedBytes: number) => void
  readonly signal?: AbortSignal | undefined
  /** Inflated bytes beyond which a layer is taken for a bomb. */
  readonly maxBytes?: number
  readonly idMaps?: ApplyOptions['idMaps']
}

export interface UnpackedLayer {
  /** Sum of the sizes of its files. */
  readonly sizeBytes: number
  readonly fileCount: number
  readonly diffID: Digest
}

const CHUNK_BYTES = 1 << 20
/** 64 GiB: far beyond what anybody ships, and still a bound. */
const MAX_LAYER_BYTES = 64 * 2 ** 30
/** gzip cannot shrink more than 1032 : 1; zstd can, and nothing honest does. */
const MAX_RATIO = 1100
const RATIO_GRACE_BYTES = 64 << 20

/**
 * @throws {LayerInvalid} damaged, hostile, or too large when inflated
 * @throws {DiffIDMismatch} the inflated bytes are not what the image config promises
 */
export async function unpackLayer(options: UnpackOptions): Promise<UnpackedLayer> {
  const [{ Header }, { openApplier }] = await Promise.all([import('tar'), import('../../linux/apply.ts')])
  const rootless = process.geteuid?.() !== 0
  const opaque: OpaqueAttribute = rootless ? 'user.overlay.opaque' : 'trusted.overlay.opaque'
  await using applier = openApplier(options.target, { idMaps: options.idMaps })
  const handler = applyEntry(applier, opaque)
  const reader = openTarReader(Header, handler)
  const hash = createHash('sha256')
  for await (const chunk of inflate(options)) {
    hash.update(chunk)
    reader.write(chunk)
    await applier.flush()
  }
  reader.close()
  const found = `sha256:${hash.digest('hex')}`
  if (found !== options.diffID) throw new DiffIDMismatch(options.diffID, found)
  await applier.finish()
  return { ...handler.counts(), diffID: options.diffID }
}

/** Inflated chunks, bounded in number and in their ratio to what came in. */
async function* inflate({
  blob,
  mediaType,
  onProgress,
  signal,
  maxBytes = MAX_LAYER_BYTES,
}: UnpackOptions): AsyncGenerator<Buffer> {
  let consumed = 0
  let produced = 0
  const first = await firstChunk(blob)
  const stream = decompressor(compressionOf(mediaType, first))
  const feeding = feed(stream, first, blob, (bytes) => {
    consumed += bytes
    onProgress?.(consumed)
  })
  feeding.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted()
      produced += chunk.length
      if (produced > maxBytes) throw new LayerInvalid(`it inflates to more than ${maxBytes} bytes`)
      if (produced > RATIO_GRACE_BYTES && produced > consumed * MAX_RATIO)
        throw new LayerInvalid('it inflates to more than a thousand times its size')
      yield chunk
    }
  } catch (error) {
    throw isZlibError(error) ? new LayerInvalid(`it cannot be inflated (${error.message})`, { cause: error }) : error
  } finally {
    stream.destroy()
  }
  await feeding
}

async function firstChunk(blob: Readable): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < 6) {
    const chunk = (await nextChunk(blob)) as Buffer | null
    if (chunk === null) break
    head = Buffer.concat([head, chunk])
  }
  return head
}

async function nextChunk(blob: Readable): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const settle = () => {
    const chunk: unknown = blob.read()
    if (chunk === null && !blob.readableEnded) return
    blob.off('readable', settle).off('end', settle).off('error', reject)
    resolve(chunk)
  }
  blob.on('readable', settle).on('end', settle).on('error', reject)
  settle()
  return await promise
}

/** The bytes decide, where they and the media type disagree: registries are full of mislabelled layers. */
function compressionOf(mediaType: string, head: Buffer): Compression {
  const declared = layerCompression(mediaType)
  if (declared === undefined) throw new LayerInvalid(`${mediaType} is no layer that can be unpacked`)
  return sniffCompression(head)
}

function decompressor(compression: Compression): Transform {
  if (compression === 'gzip') return createGunzip({ chunkSize: CHUNK_BYTES })
  if (compression === 'none') return new PassThrough({ highWaterMark: CHUNK_BYTES })
  return createZstdDecompress({
    chunkSize: CHUNK_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: 27 }, // 128 MiB: what every zstd decoder accepts
  })
}

async function feed(stream: Transform, first: Buffer, blob: Readable, onBytes: (count: number) => void): Promise<void> {
  const write = async (chunk: Buffer) => {
    onBytes(chunk.length)
    if (stream.destroyed || stream.write(chunk)) return
    await new Promise<void>((resolve) => {
      const go = () => {
        stream.off('drain', go).off('close', go)
        resolve()
      }
      stream.on('drain', go).on('close', go)
    })
  }
  await write(first)
  for await (const chunk of blob as AsyncIterable<Buffer>) {
    if (stream.destroyed) return
    await write(chunk)
  }
  stream.end()
}

function isZlibError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_BUFFER)/.test(String(error.code))
}
