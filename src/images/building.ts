/** What builds need of the store: the layers of their bases, new layers on top, and in the end an image of them. */
import { createReadStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { Descriptor, ImageConfig, Manifest, Platform } from '../oci/descriptor.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { layerCompression, layerType, OCI_LAYER } from '../oci/media-types.ts'
import { parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import type { RegistryRepository } from '../registry/client.ts'
import { transaction } from '../state/database.ts'
import { acquireLock } from '../state/lock.ts'
import { blobPath, hasBlobNow, storeVerified, translateFull } from './blobs.ts'
import type { BuildOutcome, BuiltImage, CommittedBuild, WrittenImage } from './commit-built.ts'
import type { CompressionWish } from './compress-layer.ts'
import type { ImageContext } from './context.ts'
import { BlobMissing, ImageNotRunnable } from './errors.ts'
import { type FoundImage, findImage } from './find.ts'
import { inParallel } from './in-parallel.ts'
import type { LayoutImage } from './layout-base.ts'
import { type Lease, leaseForThisProcess, openLease } from './leases.ts'
import { parsePlatform } from './platform.ts'
import { readContent } from './read-content.ts'
import { type LayerRecord, readLayers, readNames } from './records.ts'
import { RemoteLayers } from './remote-layers.ts'
import { chainIDs, fillSnapshot, snapshotSize } from './snapshot.ts'
import { adopt, spool } from './spool.ts'

/** A layer of the store, and the layers below it by its chain id. */
export interface StackedLayer {
  /** OCI's media types. */
  readonly blob: Descriptor
  readonly diffID: Digest
  readonly chainID: Digest
  /** Unpacked. */
  readonly sizeBytes: number
}

export interface BaseImage {
  readonly id: Digest
  /** Of its manifest. */
  readonly digest: Digest
  /** What a registry knows by the name: an index, or the manifest. */
  readonly pinned: Digest
  readonly platform: Platform
  readonly config: ImageConfig
  readonly layers: readonly StackedLayer[]
}

export interface NewLayer {
  readonly below: readonly StackedLayer[]
  /** An uncompressed tar. */
  readonly tar: AsyncIterable<Uint8Array>
  /**
   * What the tar has been made of, in the form of a snapshot: it is moved to its place once the tar has been read. Without, the
   * tar is unpacked.
   */
  readonly directory: string | undefined
  /** Asked once the tar has been read. */
  readonly counts: () => { readonly sizeBytes: number; readonly fileCount: number; readonly entries: number }
}

/** One build's hold on the store: what it makes or uses is kept from collection until it is closed, or this process ends. */
export interface BuildStore extends Disposable {
  /** @throws {ImageNotFound} @throws {ImageNotRunnable} it has no layers to go on from */
  base(name: string, platform: string): Promise<BaseImage>
  /** An image of an OCI layout in a directory. @throws {ArchiveInvalid} @throws {PlatformMissing} @throws {BlobMismatch} */
  layout(image: LayoutImage, platform: Platform): Promise<BaseImage>
  /** From now on. @returns false: they are not all there, and have to be made anew */
  keep(layers: readonly StackedLayer[]): Promise<boolean>
  /** Directories of unpacked layers, top-most first; unpacked again where somebody has removed one. */
  directories(layers: readonly StackedLayer[]): Promise<readonly string[]>
  /**
   * The tar is read to its end; what was in `directory` has gone elsewhere, or is worthless.
   *
   * @returns undefined: there are no entries, so it is no layer
   */
  add(layer: NewLayer): Promise<StackedLayer | undefined>
  /** The same layers, compressed as is wished; several at once. */
  compressed(
    layers: readonly StackedLayer[],
    wish: CompressionWish & { readonly signal?: AbortSignal },
  ): Promise<readonly StackedLayer[]>
  /** A small document as content, kept until the store is closed, or by what is committed with it. */
  putBlob(bytes: Uint8Array, mediaType: string): Promise<Descriptor>
  /** See `writeBuilt`. */
  write(image: BuiltImage): Promise<WrittenImage>
  /** See `commitBuilt`. */
  commit(outcome: BuildOutcome): Promise<CommittedBuild>
  /** Where the bytes of a layer are. */
  path(layer: StackedLayer): string
  /** Layers that are elsewhere count as kept; `directories` and `bring` fetch them. */
  readonly remote: RemoteLayers
  /** A repository of a registry. @throws {InvalidArgument} it is no reference */
  repository(reference: string, scope: 'pull' | 'push'): RegistryRepository
}

export function openBuildStore(context: ImageContext): BuildStore {
  const lease = openLease(context.database)
  const remote = new RemoteLayers(context)
  return {
    base: async (name, platform) => readBase(context, lease, { name, platform }),
    layout: async (image, platform) => readLayout(context, lease, { image, platform }),
    keep: async (layers) => keepLayers(context, { lease, remote }, layers),
    directories: async (layers) => unpacked(context, { lease, remote }, layers),
    add: async (layer) => addLayer(context, lease, layer),
    compressed: async (layers, wish) => compressLayers(context, layers, { ...wish, lease }),
    putBlob: async (bytes, mediaType) => {
      const blob = { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
      lease.add('blob', [blob.digest])
      await storeVerified(context.paths, blob, bytes)
      return blob
    },
    write: async (image) => (await import('./commit-built.ts')).writeBuilt(context, lease, image),
    commit: async (outcome) => (await import('./commit-built.ts')).commitBuilt(context, lease, outcome),
    path: ({ blob }) => blobPath(context.paths, blob.digest),
    remote,
    repository: (reference, scope) => context.registry.repository(withDefaultTag(parseReference(reference)), scope),
    [Symbol.dispose]: lease.release,
  }
}

async function readBase(
  context: ImageContext,
  lease: Lease,
  { name, platform }: { readonly name: string; readonly platform: string },
): Promise<BaseImage> {
  const wanted = parsePlatform(platform)
  const image = transaction(context.database, () => {
    const found = findImage(context.database, name, wanted)
    leaseForThisProcess(context.database, found.id)
    return found
  })
  const { manifest, understood } = await readContent(context, image)
  if (image.kind !== 'layers') throw new ImageNotRunnable(name, manifest.config.mediaType)
  const layers = stackOf(image.id, manifest, readLayers(context.database, image.id))
  leaseLayers(lease, layers)
  const { id, platform: own } = image
  const { digest } = image.manifest
  return { id, digest, pinned: pinnedOf(context, image), platform: own, config: understood.config, layers }
}

function pinnedOf({ database }: ImageContext, { id, manifest, reference }: FoundImage): Digest {
  if (reference?.digest !== undefined) return reference.digest
  const known = reference && readNames(database, id).filter((one) => one.repository === repositoryName(reference))
  return known?.findLast(({ digest }) => digest !== undefined)?.digest ?? manifest.digest
}

async function readLayout(
  context: ImageContext,
  lease: Lease,
  request: { readonly image: LayoutImage; readonly platform: Platform },
): Promise<BaseImage> {
  const { loadLayoutBase } = await import('./layout-base.ts')
  const { understood, manifest, descriptor, layers } = await loadLayoutBase(context, lease, request)
  const { id, kind, config, platform } = understood
  if (kind !== 'layers') throw new ImageNotRunnable(request.image.path, manifest.config.mediaType)
  const { digest } = descriptor
  return { id, digest, pinned: digest, platform, config, layers: stackOf(id, manifest, layers) }
}

function stackOf(id: Digest, manifest: Manifest, records: readonly LayerRecord[]): readonly StackedLayer[] {
  return records.map(({ chainID, diffID, sizeBytes }, index) => {
    const blob = manifest.layers[index]
    if (blob === undefined) throw new BlobMissing('(a layer)', id)
    const { mediaType, digest, size } = blob
    const type = layerType(layerCompression(mediaType) ?? 'none')
    return { blob: { mediaType: type, digest, size }, diffID, chainID, sizeBytes }
  })
}

function leaseLayers(lease: Lease, layers: readonly StackedLayer[]): void {
  lease.add(
    'blob',
    layers.map(({ blob }) => blob.digest),
  )
  lease.add(
    'snapshot',
    layers.map(({ chainID }) => chainID),
  )
}

interface Hold {
  readonly lease: Lease
  readonly remote: RemoteLayers
}

async function keepLayers(
  context: ImageContext,
  { lease, remote }: Hold,
  layers: readonly StackedLayer[],
): Promise<boolean> {
  leaseLayers(lease, layers)
  return layers.every(({ blob }) => remote.has(blob) || hasBlobNow(context.paths, blob))
}

async function unpacked(
  context: ImageContext,
  { lease, remote }: Hold,
  layers: readonly StackedLayer[],
): Promise<readonly string[]> {
  leaseLayers(lease, layers)
  const missing: StackedLayer[] = []
  for (const layer of layers) if (!(await context.snapshots.has(layer.chainID))) missing.push(layer)
  await remote.bring(missing)
  for (const layer of missing) {
    using _ = await acquireLock(context.database, `snapshot:${layer.chainID}`)
    if ((await snapshotSize(context, layer.chainID)) !== undefined) continue
    await fillSnapshot(context, { ...layer, open: () => createReadStream(blobPath(context.paths, layer.blob.digest)) })
  }
  return layers.map(({ chainID }) => context.snapshots.path(chainID)).toReversed()
}

async function compressLayers(
  context: ImageContext,
  layers: readonly StackedLayer[],
  wish: CompressionWish & { readonly lease: Lease; readonly signal?: AbortSignal },
): Promise<readonly StackedLayer[]> {
  const { compressLayer } = await import('./compress-layer.ts')
  const compress = async (layer: StackedLayer, _: number, signal: AbortSignal) => {
    return { ...layer, blob: await compressLayer(context, layer, { ...wish, signal }) }
  }
  return inParallel(layers, compress, { limit: PARALLEL_COMPRESSIONS, signal: wish.signal })
}

/** Each of them uses several processors already where the layer is large. */
const PARALLEL_COMPRESSIONS = 3

async function addLayer(context: ImageContext, lease: Lease, layer: NewLayer): Promise<StackedLayer | undefined> {
  const spooled = await spool(context.paths, 'build', layer.tar)
  const diffID = spooled.digest
  const blob = { mediaType: OCI_LAYER, digest: diffID, size: spooled.sizeBytes }
  try {
    if (layer.counts().entries === 0) return undefined
    lease.add('blob', [diffID])
    await adopt(context.paths, spooled, blob)
  } finally {
    await rm(spooled.path, { force: true })
  }
  const chainID = chainIDs([...layer.below.map((one) => one.diffID), diffID]).at(-1) ?? diffID
  const added = { blob, diffID, chainID, sizeBytes: layer.counts().sizeBytes }
  leaseLayers(lease, [added])
  using _ = await acquireLock(context.database, `snapshot:${chainID}`)
  if ((await snapshotSize(context, chainID)) === undefined) await makeSnapshot(context, added, layer)
  return added
}

async function makeSnapshot(
  context: ImageContext,
  added: StackedLayer,
  { directory, counts }: NewLayer,
): Promise<void> {
  const { chainID, diffID, blob } = added
  const unpack = async () => {
    await fillSnapshot(context, { ...added, open: () => createReadStream(blobPath(context.paths, blob.digest)) })
  }
  if (directory === undefined) return unpack()
  if (await context.snapshots.has(chainID)) await context.snapshots.remove(chainID)
  const { sizeBytes, fileCount } = counts()
  try {
    await context.snapshots.create(chainID, async (target) => {
      await rename(directory, target)
      context.database
        .prepare('INSERT OR REPLACE INTO snapshots (chain_id, diff_id, size_bytes, file_count) VALUES (?, ?, ?, ?)')
        .run(chainID, diffID, sizeBytes, fileCount)
    })
  } catch (error) {
    // Another file system, or the root of the image has been given to a user that an ordinary one cannot move it from.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EXDEV' || code === 'EACCES' || code === 'EPERM') await unpack()
    else throw translateFull(error, context.snapshots.path(chainID), blob.size)
  }
}
