/** Unpacked layers as the image room needs them: made once, with their size on record. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { translateFull } from './blobs.ts'
import type { ImageContext } from './context.ts'

/** Chain ids of layers from the lowest up (image-spec, config.md#layer-chainid). */
export function chainIDs(diffIDs: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = []
  for (const diffID of diffIDs) {
    const parent = chain.at(-1)
    const text = `${parent} ${diffID}`
    chain.push(parent === undefined ? diffID : parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`))
  }
  return chain
}

/** Unpacked size in bytes of a snapshot that is there; undefined when it has to be made. */
export async function snapshotSize(context: ImageContext, chainID: Digest): Promise<number | undefined> {
  if (!(await context.snapshots.has(chainID))) return undefined
  const row = context.database.prepare('SELECT size_bytes FROM snapshots WHERE chain_id = ?').get(chainID)
  return row === undefined ? undefined : Number(row['size_bytes'])
}

/** A layer's blob, and where what is in it belongs. */
export interface LayerContent {
  readonly blob: Descriptor
  readonly chainID: Digest
  readonly diffID: Digest
}

export interface Filling extends LayerContent {
  readonly open: () => Readable
  readonly onProgress?: (compressedBytes: number) => unknown
  readonly signal?: AbortSignal | undefined
}

/**
 * Unpacks a layer into its snapshot. The caller holds the lock `snapshot:<chain id>`; a failure leaves nothing.
 *
 * @returns unpacked bytes
 * @throws {DiskFull} the disk is full
 */
export async function fillSnapshot(context: ImageContext, filling: Filling): Promise<number> {
  const { chainID, diffID, blob } = filling
  // A directory without its row: another root's, or made by hand. Nobody knows what is in it.
  if (await context.snapshots.has(chainID)) await context.snapshots.remove(chainID)
  let sizeBytes = 0
  const fill = async (target: string) => {
    const stream = filling.open()
    try {
      const unpacked = await context.unpack({
        blob: stream,
        mediaType: blob.mediaType,
        diffID,
        target,
        onProgress: (bytes) => filling.onProgress?.(bytes),
        signal: filling.signal,
      })
      sizeBytes = unpacked.sizeBytes
      // Before the directory gets its name: a row without a directory harms nobody.
      context.database
        .prepare('INSERT OR REPLACE INTO snapshots (chain_id, diff_id, size_bytes, file_count) VALUES (?, ?, ?, ?)')
        .run(chainID, diffID, unpacked.sizeBytes, unpacked.fileCount)
    } finally {
      stream.destroy()
    }
  }
  try {
    await context.snapshots.create(chainID, fill)
  } catch (error) {
    throw translateFull(error, context.snapshots.path(chainID), blob.size)
  }
  return sizeBytes
}
