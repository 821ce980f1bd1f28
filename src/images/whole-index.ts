/** The index that a name stands for, when all that it lists is in the store. */
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { OCI_INDEX } from '../oci/media-types.ts'
import { hasBlob, readBlob } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { BlobMissing } from './errors.ts'
import { type FoundImage, taggedAs } from './find.ts'
import { parseIndex, parseManifest, parseObject } from './manifest.ts'

/** What must be sent, in order: blobs in any, manifests so that each comes after what it names. */
export interface WholeContent {
  readonly blobs: readonly Descriptor[]
  readonly manifests: readonly Descriptor[]
}

export interface WholeIndex extends WholeContent {
  /** The last of `manifests`. */
  readonly index: Descriptor
  /** What it lists. */
  readonly entries: readonly Descriptor[]
}

/** What these manifests name. @throws {BlobMissing} one of them is not here */
export async function contentOf(context: ImageContext, manifests: readonly Descriptor[]): Promise<WholeContent> {
  const blobs = new Map<Digest, Descriptor>()
  for (const { digest } of manifests) {
    const manifest = parseManifest(await readBlob(context.paths, digest, digest), digest)
    for (const blob of [...manifest.layers, manifest.config]) blobs.set(blob.digest, blob)
  }
  return { blobs: [...blobs.values()], manifests }
}

/**
 * Of what was made here the index that the name was given with; of what was pulled one that it came from.
 *
 * @param name - the image was found by it
 * @returns undefined: there is none, or it is not all here: a pull brings one platform alone, and no attestations
 */
export async function findWholeIndex(
  context: ImageContext,
  image: FoundImage,
  name: string,
): Promise<WholeIndex | undefined> {
  const { index } = taggedAs(context.database, image, name)
  // The image may have another manifest by now, from a later build.
  if (index !== undefined) return readWholeIndex(context, index)
  for (const digest of pulledIndexes(context, image)) {
    const content = await readWholeIndex(context, digest)
    if (content?.entries.some((manifest) => manifest.digest === image.manifest.digest) === true) return content
  }
  return undefined
}

function pulledIndexes({ database }: ImageContext, image: FoundImage): readonly Digest[] {
  const rows = database
    .prepare(`SELECT DISTINCT digest FROM image_digests WHERE image_id = ? AND digest <> ?
      AND NOT EXISTS (SELECT 1 FROM image_indexes WHERE image_indexes.digest = image_digests.digest)`)
    .all(image.id, image.manifest.digest)
  return rows.map((row) => parseDigest(String(row['digest'])))
}

async function readWholeIndex(context: ImageContext, digest: Digest): Promise<WholeIndex | undefined> {
  try {
    const bytes = await readBlob(context.paths, digest, digest)
    if (parseObject(bytes, digest)['manifests'] === undefined) return undefined
    const { mediaType = OCI_INDEX, manifests } = parseIndex(bytes, digest)
    const { blobs } = await contentOf(context, manifests)
    for (const blob of blobs) if (!(await hasBlob(context.paths, blob))) return undefined
    const index = { mediaType, digest, size: bytes.byteLength }
    // Two platforms may have one image.
    const unique = [...new Map(manifests.map((manifest) => [manifest.digest, manifest])).values()]
    return { blobs, manifests: [...unique, index], index, entries: manifests }
  } catch (error) {
    if (error instanceof BlobMissing) return undefined
    throw error
  }
}
