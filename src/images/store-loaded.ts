/** Content of an archive, or of an import, on its way into the store: blobs adopted, layers unpacked, nothing named yet. */
import { createReadStream } from 'node:fs'
import type { Descriptor } from '../oci/descriptor.ts'
import { acquireLock } from '../state/lock.ts'
import { blobPath, hasBlob, readBlob, storeVerified } from './blobs.ts'
import type { Commit } from './commit.ts'
import type { ImageContext } from './context.ts'
import { ArchiveInvalid } from './errors.ts'
import { kindOf, understand } from './kind.ts'
import type { Lease } from './leases.ts'
import { parseManifest } from './manifest.ts'
import { reporter } from './pull-layer.ts'
import type { Archive } from './read-archive.ts'
import type { LayerRecord } from './records.ts'
import { chainIDs, fillSnapshot, type LayerContent, snapshotSize } from './snapshot.ts'
import { adopt, type Spooled } from './spool.ts'
import type { TransferOptions } from './types.ts'

export interface LoadOptions extends TransferOptions {
  readonly platform?: string
}

export interface Loading {
  readonly archive: Archive
  readonly lease: Lease
  readonly options: LoadOptions
}

export interface Loaded {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly find: (blob: Descriptor) => Spooled | undefined
}

/**
 * @returns what `commitInside` needs, with no name yet
 * @throws {BlobMismatch} content is not what its descriptor says
 * @throws {ArchiveInvalid} content is missing, here and in the store
 */
export async function storeLoaded(
  context: ImageContext,
  { lease, options }: Pick<Loading, 'lease' | 'options'>,
  { descriptor, bytes, find }: Loaded,
): Promise<Commit> {
  const manifest = parseManifest(bytes, descriptor.digest)
  const kind = kindOf(manifest, `image ${descriptor.digest}`)
  const blobs = [manifest.config, ...manifest.layers]
  lease.add('blob', [descriptor.digest, ...blobs.map((blob) => blob.digest)])
  await storeVerified(context.paths, descriptor, bytes)
  for (const blob of blobs) {
    const file = find(blob)
    if (file !== undefined) await adopt(context.paths, file, blob)
    else if (!(await hasBlob(context.paths, blob))) throw new ArchiveInvalid(`the archive lacks content ${blob.digest}`)
  }
  const config = await readBlob(context.paths, manifest.config.digest, descriptor.digest)
  const understood = understand(manifest, kind, { manifest: descriptor.digest, config })

  const layers: LayerRecord[] = []
  const diffIDs = kind === 'layers' ? understood.config.rootfs.diff_ids : []
  const chain = chainIDs(diffIDs)
  lease.add('snapshot', chain)
  for (const [index, diffID] of diffIDs.entries()) {
    const blob = manifest.layers[index]
    const chainID = chain[index]
    if (blob === undefined || chainID === undefined) continue // `understand` has compared their numbers
    const sizeBytes = await unpackStored(context, { blob, chainID, diffID }, options)
    layers.push({ chainID, diffID, blob: blob.digest, sizeBytes })
  }
  return { understood, manifest, descriptor, layers, names: [], lease }
}

/** The snapshot of a layer whose blob is in the store. @returns its size in bytes */
async function unpackStored(context: ImageContext, layer: LayerContent, options: LoadOptions): Promise<number> {
  using _ = await acquireLock(context.database, `snapshot:${layer.chainID}`, { signal: options.signal })
  const report = reporter(options, layer.blob)
  const known = await snapshotSize(context, layer.chainID)
  if (known !== undefined) return known
  const sizeBytes = await fillSnapshot(context, {
    ...layer,
    open: () => createReadStream(blobPath(context.paths, layer.blob.digest), { highWaterMark: 1 << 19 }),
    onProgress: (bytes) => report('loading', bytes),
    signal: options.signal,
  })
  report('loading', layer.blob.size)
  return sizeBytes
}
