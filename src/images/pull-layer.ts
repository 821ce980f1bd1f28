/** One layer of a pull: downloaded and unpacked at the same time, each only where it is missing. */
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex } from '../oci/digest.ts'
import { acquireLock } from '../state/lock.ts'
import { blobPath, hasBlob, partialPath, sizeOf } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { BlobMismatch } from './errors.ts'
import { fetchBlob } from './fetch-blob.ts'
import { followFile, Growth } from './follow-file.ts'
import type { LayerRecord } from './records.ts'
import type { BlobSource } from './remote-layers.ts'
import { fillSnapshot, type LayerContent, snapshotSize } from './snapshot.ts'
import type { TransferOptions, TransferProgress } from './types.ts'

/** The progress line of a layer or config. */
export function progressID(digest: Digest): string {
  return digestHex(digest).slice(0, 12)
}

/** Reports one line of progress, filling in what most reports leave out. */
export function reporter(options: TransferOptions, blob: Descriptor) {
  const id = progressID(blob.digest)
  return (phase: TransferProgress['phase'], currentBytes = 0): void =>
    options.onProgress?.({ id, phase, currentBytes, totalBytes: blob.size })
}

interface Pulling {
  readonly layer: LayerContent
  readonly options: TransferOptions
  readonly distrust?: boolean
}

/**
 * Afterwards both blob and snapshot are there. The caller holds leases on both.
 *
 * @param pulling - `distrust`: where the snapshot is here already the blob is looked into nevertheless
 * @throws {BlobMismatch} naming the blob; nothing of it stays
 */
export async function pullLayer(
  context: ImageContext,
  repository: BlobSource,
  { layer, options, distrust = false }: Pulling,
): Promise<LayerRecord> {
  const { blob, chainID, diffID } = layer
  const report = reporter(options, blob)
  const waiting = { signal: options.signal, onWait: () => report('waiting') }
  using _ = await acquireLock(context.database, `snapshot:${chainID}`, waiting)
  const known = await snapshotSize(context, chainID)
  if (known !== undefined) {
    const fetched = !(await hasBlob(context.paths, blob)) && (await fetchOnly(context, repository, { blob, options }))
    if (distrust) await (await import('./verify-layer.ts')).verifyLayer(context.paths, layer, options.signal)
    report(fetched ? 'pulled' : 'exists', blob.size)
    return { chainID, diffID, blob: blob.digest, sizeBytes: known }
  }
  const resumed = ((await sizeOf(partialPath(context.paths, blob.digest))) ?? 0) > 0
  let sizeBytes: number
  try {
    sizeBytes = await fetchAndUnpack(context, repository, { layer, options })
  } catch (error) {
    // A partial file may have been damaged since; it is gone now, and the registry deserves a second chance.
    if (!(resumed && error instanceof BlobMismatch)) throw error
    sizeBytes = await fetchAndUnpack(context, repository, { layer, options })
  }
  report('pulled', blob.size)
  return { chainID, diffID, blob: blob.digest, sizeBytes }
}

/** A blob that nobody unpacks: a config, a module, or a layer whose snapshot is there already. */
export function fetchOnly(
  context: ImageContext,
  repository: BlobSource,
  { blob, options }: { readonly blob: Descriptor; readonly options: TransferOptions },
): Promise<boolean> {
  const report = reporter(options, blob)
  return fetchBlob(context, repository, {
    blob,
    signal: options.signal,
    onBytes: (bytes) => report('downloading', bytes),
    onVerify: () => report('verifying', blob.size),
    onWait: () => report('waiting'),
  })
}

async function fetchAndUnpack(
  context: ImageContext,
  repository: BlobSource,
  { layer, options }: { readonly layer: LayerContent; readonly options: TransferOptions },
): Promise<number> {
  const { blob } = layer
  const report = reporter(options, blob)
  const growth = new Growth()
  let complete = false
  const download = fetchBlob(context, repository, {
    blob,
    growth,
    signal: options.signal,
    onBytes: (bytes) => report('downloading', bytes),
    onVerify: () => report('verifying', blob.size),
    onWait: () => report('waiting'),
  }).then(() => {
    complete = true
  })
  const unpack = fillSnapshot(context, {
    ...layer,
    open: () =>
      followFile(
        { partial: partialPath(context.paths, blob.digest), complete: blobPath(context.paths, blob.digest) },
        growth,
      ),
    // While both go on, people want to see the download.
    onProgress: (bytes) => complete && report('extracting', bytes),
    signal: options.signal,
  })
  // Damaged bytes may well break the unpacker first: only the whole download tells who is to blame. A failed download
  // fails the unpacker through `growth`.
  const [downloaded, unpacked] = await Promise.allSettled([download, unpack])
  if (downloaded.status === 'rejected') throw downloaded.reason
  if (unpacked.status === 'rejected') throw unpacked.reason
  return unpacked.value
}
