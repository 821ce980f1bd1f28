/** Takes foreign bytes onto the disk under a temporary name, and learns their digest and compression on the way. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'
import type { Paths } from '../paths.ts'
import { hasBlob, MAX_SMALL_BLOB_BYTES, publishBlob, temporaryPath, translateFull } from './blobs.ts'
import { decompressor, sniffCompression } from './decompress.ts'
import { ArchiveInvalid, BlobMismatch } from './errors.ts'

export interface Spooled {
  readonly path: string
  readonly digest: Digest
  readonly sizeBytes: number
}

/** A file that belongs to the caller; nothing stays when it fails. */
export async function spool(
  paths: Paths,
  label: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Spooled> {
  const path = temporaryPath(paths, label)
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    await using file = await open(path, 'wx', 0o600)
    for await (const bytes of gathered(source)) {
      hash.update(bytes)
      sizeBytes += bytes.byteLength
      await file.appendFile(bytes)
    }
    await file.datasync()
  } catch (error) {
    await rm(path, { force: true })
    throw translateFull(error, path, sizeBytes)
  }
  return { path, digest: parseDigest(`sha256:${hash.digest('hex')}`), sizeBytes }
}

const GATHERED_BYTES = 1 << 20

/** A tar of small files comes in pieces of a few bytes: put together they take fewer calls. */
async function* gathered(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    pieces.push(chunk)
    size += chunk.byteLength
    if (size < GATHERED_BYTES) continue
    yield pieces.length === 1 ? chunk : Buffer.concat(pieces)
    pieces = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(pieces)
}

/** Makes the file a blob of the store. The caller holds a lease on it. @throws {BlobMismatch} it is not `blob` */
export async function adopt(paths: Paths, spooled: Spooled, blob: Pick<Descriptor, 'digest' | 'size'>): Promise<void> {
  if (spooled.digest !== blob.digest || spooled.sizeBytes !== blob.size) {
    throw new BlobMismatch({ mediaType: '', ...blob }, `${spooled.digest} (${spooled.sizeBytes} bytes)`)
  }
  // Another loader may have published it: the bytes are the same.
  if (!(await hasBlob(paths, blob))) await publishBlob(paths, spooled.path, blob.digest)
}

/** A small document of the archive. @throws {ArchiveInvalid} it is too large to be one */
export async function readSpooled(spooled: Spooled, what: string): Promise<Buffer> {
  if (spooled.sizeBytes > MAX_SMALL_BLOB_BYTES) throw new ArchiveInvalid(`${what} has ${spooled.sizeBytes} bytes`)
  return readFile(spooled.path)
}

/** What the file holds once it is decompressed. @throws {ArchiveInvalid} it is damaged */
export async function examineLayer(spooled: Spooled): Promise<{ compression: Compression; diffID: Digest }> {
  await using file = await open(spooled.path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0)
  const compression = sniffCompression(buffer.subarray(0, bytesRead))
  if (compression === 'none') return { compression, diffID: spooled.digest }
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(spooled.path), decompressor(compression), async (stream: AsyncIterable<Buffer>) => {
      for await (const chunk of stream) hash.update(chunk)
    })
  } catch (error) {
    throw new ArchiveInvalid(`a layer of the archive is no whole ${compression} file`, { cause: error })
  }
  return { compression, diffID: parseDigest(`sha256:${hash.digest('hex')}`) }
}
