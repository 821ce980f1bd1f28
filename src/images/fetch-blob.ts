/** Brings one blob from a registry into the content store, going on where an earlier command was cut off. */
import type { Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm, truncate } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Cancelled } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { acquireLock } from '../state/lock.ts'
import { finishDigest, hasBlob, hashFor, partialPath, publishBlob, sizeOf, translateFull } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { BlobMismatch } from './errors.ts'
import type { Growth } from './follow-file.ts'
import type { BlobSource } from './remote-layers.ts'

export interface FetchOptions {
  readonly onBytes?: (receivedBytes: number) => void
  readonly onVerify?: () => void
  /** Called when another process downloads the same blob and this one waits for it. */
  readonly onWait?: () => void
  /** Told how far the file has grown. */
  readonly growth?: Growth
  readonly signal?: AbortSignal | undefined
}

/**
 * Afterwards the store holds the blob, verified. Several callers, in any process, download it once. After a failure of the
 * network or a kill the partial file stays and is resumed; after a mismatch nothing stays.
 *
 * @returns whether it had to be downloaded
 * @throws {BlobMismatch} the registry's bytes are not the blob
 * @throws {DiskFull} the disk is full
 */
export async function fetchBlob(
  context: ImageContext,
  repository: BlobSource,
  request: FetchOptions & { readonly blob: Descriptor },
): Promise<boolean> {
  const { blob, signal, onWait } = request
  const { paths } = context
  using _ = await acquireLock(context.database, `blob:${blob.digest}`, { signal, ...(onWait && { onWait }) })
  if (await hasBlob(paths, blob)) {
    request.growth?.advance(blob.size)
    request.growth?.finish()
    return false
  }
  const path = partialPath(paths, blob.digest)
  try {
    await download({ repository, path, request })
    await publishBlob(paths, path, blob.digest)
  } catch (error) {
    const failure =
      signal?.aborted === true ? new Cancelled({ cause: error }) : translateFull(error, path, await missing(path, blob))
    request.growth?.fail(failure)
    throw failure
  }
  request.growth?.finish()
  return true
}

async function missing(path: string, blob: Descriptor): Promise<number> {
  return Math.max(blob.size - ((await sizeOf(path)) ?? 0), 0)
}

interface Download {
  readonly repository: BlobSource
  readonly path: string
  readonly request: FetchOptions & { readonly blob: Descriptor }
}

/** The second attempt is for a partial file that was damaged after it had been written: everything from the start. */
async function download({ repository, path, request }: Download): Promise<void> {
  const { blob } = request
  const kept = await keptBytes(path, blob)
  const found = await append({ repository, path, request }, kept)
  if (found === blob.digest) return
  await rm(path, { force: true })
  // A reader has been given the old bytes already: it cannot start again.
  if (kept === 0 || request.growth !== undefined) throw new BlobMismatch(blob, found)
  const again = await append({ repository, path, request }, 0)
  if (again === blob.digest) return
  await rm(path, { force: true })
  throw new BlobMismatch(blob, again)
}

/** How much an earlier command left. A file longer than the blob cannot be its beginning. */
async function keptBytes(path: string, blob: Descriptor): Promise<number> {
  const size = (await sizeOf(path)) ?? 0
  if (size <= blob.size) return size
  await truncate(path, 0)
  return 0
}

/** @returns the digest of the whole file, or a text that says why there is none */
async function append({ repository, path, request }: Download, kept: number): Promise<string> {
  const { blob } = request
  const hash = hashFor(blob.digest)
  for await (const chunk of kept === 0 ? [] : createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  await using file = await open(path, 'a', 0o600)
  request.growth?.advance(kept)
  request.onBytes?.(kept)
  const total = kept === blob.size ? kept : await receive({ repository, path, request }, { file, hash, kept })
  request.onVerify?.()
  if (total !== blob.size) return `${total} bytes`
  await file.datasync()
  return finishDigest(blob.digest, hash)
}

async function receive(
  { repository, request }: Download,
  { file, hash, kept }: { readonly file: FileHandle; readonly hash: Hash; readonly kept: number },
): Promise<number> {
  const { blob, signal, growth } = request
  const stream: Readable = await repository.getBlob(blob, { offset: kept, ...(signal && { signal }) })
  let total = kept
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      // Never store more than was announced, whatever the registry sends.
      if (total + chunk.byteLength > blob.size) return total + chunk.byteLength
      hash.update(chunk)
      await file.writev([chunk])
      total += chunk.byteLength
      growth?.advance(total)
      request.onBytes?.(total)
    }
  } catch (error) {
    // With all bytes here the digest decides, and what fails it is removed.
    if (total !== blob.size) throw error
  }
  return total
}
