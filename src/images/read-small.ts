/** A small blob from elsewhere into memory: a config that nothing else is wanted of. */
import type { Descriptor } from '../oci/descriptor.ts'
import { finishDigest, hashFor, MAX_SMALL_BLOB_BYTES } from './blobs.ts'
import { BlobMismatch, ManifestInvalid } from './errors.ts'
import type { BlobSource } from './remote-layers.ts'

/** Verified. @throws {BlobMismatch} @throws {ManifestInvalid} it is larger than any config */
export async function readSmall(source: BlobSource, blob: Descriptor, signal?: AbortSignal): Promise<Uint8Array> {
  if (blob.size > MAX_SMALL_BLOB_BYTES) throw new ManifestInvalid(`config ${blob.digest}`, `it has ${blob.size} bytes`)
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of (await source.getBlob(blob, signal ? { signal } : {})) as AsyncIterable<Buffer>) {
    total += chunk.byteLength
    if (total > blob.size) throw new BlobMismatch(blob, `${total} bytes and more`)
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const found = finishDigest(blob.digest, hashFor(blob.digest).update(bytes))
  if (found !== blob.digest) throw new BlobMismatch(blob, found)
  return bytes
}
