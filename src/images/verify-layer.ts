/** Whether the bytes of a layer are the layer: its digest says what they unpack to. */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { type Compression, layerCompression } from '../oci/media-types.ts'
import type { Paths } from '../paths.ts'
import { blobPath, finishDigest, hashFor } from './blobs.ts'
import { decompressor } from './decompress.ts'
import { BlobMismatch } from './errors.ts'

interface Layer {
  readonly blob: Descriptor
  readonly diffID: Digest
}

/** Reads all of it, and keeps nothing. @throws {BlobMismatch} it is another one, or none */
export async function verifyLayer(paths: Paths, layer: Layer, signal?: AbortSignal): Promise<void> {
  const { blob } = layer
  const tar = openTar(blobPath(paths, blob.digest), layerCompression(blob.mediaType) ?? 'none', signal)
  try {
    for await (const _ of verified(tar, layer));
  } catch (cause) {
    signal?.throwIfAborted()
    const { code } = cause as { readonly code?: unknown }
    const isDamaged = typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_)/.test(code)
    throw isDamaged ? new BlobMismatch({ ...blob, digest: layer.diffID }, 'nothing that unpacks', { cause }) : cause
  } finally {
    tar.destroy()
  }
}

/** A layer's plain tar, from the file of its blob. */
export function openTar(path: string, compression: Compression, signal?: AbortSignal): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) })
  return compression === 'none' ? file : file.compose(decompressor(compression))
}

/** Passes on what it checks; the last of it is followed by the answer. @throws {BlobMismatch} */
export async function* verified(tar: Readable, { blob, diffID }: Layer): AsyncGenerator<Buffer> {
  const hash = hashFor(diffID)
  for await (const chunk of tar as AsyncIterable<Buffer>) {
    hash.update(chunk)
    yield chunk
  }
  const found = finishDigest(diffID, hash)
  if (found !== diffID) throw new BlobMismatch({ ...blob, digest: diffID }, found)
}
