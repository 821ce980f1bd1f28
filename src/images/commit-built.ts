/** What a build has come to: images, one for each platform, and the index that holds them together where one is wanted. */
import type { Descriptor, ImageConfig, Index, Platform } from '../oci/descriptor.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { DOCKER_CONFIG, DOCKER_LIST, layerCompression, layerType, OCI_CONFIG, OCI_INDEX } from '../oci/media-types.ts'
import { transaction } from '../state/database.ts'
import { storeVerified } from './blobs.ts'
import type { StackedLayer } from './building.ts'
import { type Commit, commitInside } from './commit.ts'
import type { ImageContext } from './context.ts'
import { understand } from './kind.ts'
import type { Lease } from './leases.ts'
import { makeManifest } from './load-docker.ts'
import { type ImageName, writeIndex, writeTag } from './records.ts'
import { snapshotSize } from './snapshot.ts'

export interface BuiltImage {
  /** What the index says of it; its config may say otherwise. */
  readonly platform: Platform
  readonly config: ImageConfig
  readonly layers: readonly StackedLayer[]
  /** Of its manifest. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Media types of docker in place of OCI's. */
  readonly dockerTypes?: boolean
}

/** Config and manifest are in the store, and kept while the build goes on; it has no name and is no image yet. */
export interface WrittenImage extends BuiltImage {
  readonly id: Digest
  /** As an index lists it: with the platform. */
  readonly manifest: Descriptor
}

/** A manifest that is no image and stands beside them in the index: attestations. Its content has been stored. */
export interface ExtraManifest {
  /** As the index lists it. */
  readonly descriptor: Descriptor
  /** Its config and layers: kept as long as the images are. */
  readonly blobs: readonly Descriptor[]
}

export interface BuildOutcome {
  /** At least one. */
  readonly images: readonly WrittenImage[]
  readonly extra: readonly ExtraManifest[]
  readonly names: readonly ImageName[]
  /** One image gets an index as well. Several, and extra manifests, have one in any case. */
  readonly asIndex: boolean
  /** Of the index. */
  readonly annotations?: Readonly<Record<string, string>>
}

export interface CommittedBuild {
  /** Of the image; of an index its digest. */
  readonly id: Digest
  /** What the names stand for. */
  readonly target: Descriptor
}

/** Idempotent: the same config and layers are the same image. */
export async function writeBuilt(context: ImageContext, lease: Lease, image: BuiltImage): Promise<WrittenImage> {
  const { annotations, platform } = image
  const { bytes, descriptor, blobs } = describeContent(image)
  const made = makeManifest(descriptor, blobs, annotations)
  lease.add('blob', [descriptor.digest, made.descriptor.digest])
  await storeVerified(context.paths, descriptor, bytes)
  await storeVerified(context.paths, made.descriptor, made.bytes)
  return { ...image, id: descriptor.digest, manifest: { ...made.descriptor, platform } }
}

function describeContent({ config, layers, dockerTypes = false }: BuiltImage) {
  const bytes = Buffer.from(JSON.stringify(config))
  const mediaType = dockerTypes ? DOCKER_CONFIG : OCI_CONFIG
  return {
    bytes,
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength },
    blobs: layers.map(({ blob }) => (dockerTypes ? asDocker(blob) : blob)),
  }
}

function asDocker(blob: Descriptor): Descriptor {
  return { ...blob, mediaType: layerType(layerCompression(blob.mediaType) ?? 'none', 'docker') }
}

/** Atomic: all images are there with their names, or nothing has changed. */
export async function commitBuilt(context: ImageContext, lease: Lease, outcome: BuildOutcome): Promise<CommittedBuild> {
  const { images, extra, names } = outcome
  const [first] = images
  if (first === undefined) throw new Error('a build without an image cannot be committed')
  const isIndex = outcome.asIndex || images.length > 1 || extra.length > 0
  const index = isIndex ? await writeIndexDocument(context, lease, outcome) : undefined
  const also = [
    ...(index === undefined ? [] : [index]),
    ...extra.flatMap(({ descriptor, blobs }) => [descriptor, ...blobs]),
  ]
  const commits = await Promise.all(images.map((image) => commitOf(context, { image, lease, also })))
  const ids = [...new Set(images.map(({ id }) => id))]
  transaction(context.database, () => {
    for (const commit of commits) commitInside(context, commit)
    if (index !== undefined) writeIndex(context.database, index.digest, ids)
    for (const { repository, tag } of names)
      if (tag !== undefined) writeTag(context.database, { repository, tag }, { ids, index: index?.digest })
  })
  const { platform: _, ...manifest } = first.manifest
  return index === undefined ? { id: first.id, target: manifest } : { id: index.digest, target: index }
}

async function writeIndexDocument(
  context: ImageContext,
  lease: Lease,
  { images, extra, annotations = {} }: BuildOutcome,
): Promise<Descriptor> {
  const mediaType = images.some(({ dockerTypes }) => dockerTypes === true) ? DOCKER_LIST : OCI_INDEX
  const document: Index = {
    schemaVersion: 2,
    mediaType,
    manifests: [...images.map(({ manifest }) => manifest), ...extra.map(({ descriptor }) => descriptor)],
    ...(Object.keys(annotations).length > 0 && { annotations }),
  }
  const bytes = Buffer.from(JSON.stringify(document))
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
  lease.add('blob', [descriptor.digest])
  await storeVerified(context.paths, descriptor, bytes)
  return descriptor
}

interface Committing {
  readonly image: WrittenImage
  readonly lease: Lease
  readonly also: readonly Descriptor[]
}

async function commitOf(context: ImageContext, { image, lease, also }: Committing): Promise<Commit> {
  const { layers, manifest: descriptor } = image
  const { bytes, descriptor: config, blobs } = describeContent(image)
  const manifest = { schemaVersion: 2 as const, config, layers: blobs }
  const records = layers.map(async ({ blob, diffID, chainID, sizeBytes }) => ({
    chainID,
    diffID,
    blob: blob.digest,
    sizeBytes: (await snapshotSize(context, chainID)) ?? sizeBytes,
  }))
  return {
    understood: understand(manifest, 'layers', { manifest: descriptor.digest, config: bytes }),
    manifest,
    descriptor,
    layers: await Promise.all(records),
    also: also.map(({ digest }) => digest),
    names: [],
    lease,
  }
}
