/** Images that were made here have plain tars for layers, because nobody reads those faster. They are compressed to be sent. */
import type { Descriptor, Manifest } from '../oci/descriptor.ts'
import { digestOf, parseDigest } from '../oci/digest.ts'
import { DOCKER_MANIFEST, layerCompression, layerType } from '../oci/media-types.ts'
import { transaction } from '../state/database.ts'
import { blobPath, readBlob, sizeOf, storeVerified } from './blobs.ts'
import { type CompressionWish, compressLayer } from './compress-layer.ts'
import type { ImageContext } from './context.ts'
import { collect } from './gc.ts'
import { inParallel } from './in-parallel.ts'
import type { Lease } from './leases.ts'
import { isObject, parseManifest, parseObject } from './manifest.ts'
import { type ImageRecord, readLayers } from './records.ts'

/** Each of them uses several processors already where a layer is large. */
const PARALLEL_LAYERS = 3

interface Compressing extends CompressionWish {
  /** Holds the image. */
  readonly lease: Lease
  readonly signal?: AbortSignal | undefined
}

/**
 * The image keeps its id; its manifest is the new one from now on. One that is known by the digest of its manifest, because
 * it was pulled or pushed, stays as it is. Idempotent.
 *
 * @returns the manifest's descriptor
 */
export async function compressImage(context: ImageContext, image: ImageRecord, wish: Compressing): Promise<Descriptor> {
  const { digest } = image.manifest
  if (image.kind !== 'layers' || (await isKnown(context, image))) return image.manifest
  const bytes = await readBlob(context.paths, digest, image.id)
  const manifest = parseManifest(bytes, digest)
  if (manifest.layers.every(({ mediaType }) => layerCompression(mediaType) !== 'none')) return image.manifest
  const diffIDs = readLayers(context.database, image.id).map(({ diffID }) => diffID)
  const family = image.manifest.mediaType === DOCKER_MANIFEST ? 'docker' : 'oci'
  const compress = async (blob: Descriptor, index: number, signal: AbortSignal) => {
    const diffID = diffIDs[index]
    if (diffID === undefined || layerCompression(blob.mediaType) === undefined) return blob
    const layer = await compressLayer(context, { blob, diffID }, { ...wish, signal })
    return { ...layer, mediaType: layerType(layerCompression(layer.mediaType) ?? 'none', family) }
  }
  const layers = await inParallel(manifest.layers, compress, { limit: PARALLEL_LAYERS, signal: wish.signal })
  const made = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(bytes).toString('utf8')), layers }))
  const descriptor = { mediaType: image.manifest.mediaType, digest: digestOf(made), size: made.byteLength }
  wish.lease.add('blob', [descriptor.digest])
  await storeVerified(context.paths, descriptor, made)
  exchange(context, image, { before: manifest, descriptor, layers })
  await collect(context) // what it had is nobody's now
  return descriptor
}

/** By the digest of its manifest, or of an index that lists it. */
async function isKnown({ database, paths }: ImageContext, { id, manifest }: ImageRecord): Promise<boolean> {
  const rows = database
    .prepare(`SELECT digest FROM image_digests WHERE image_id = ?1
      UNION SELECT digest FROM image_indexes WHERE image_id = ?1`)
    .all(id)
  const digests = rows.map((row) => parseDigest(String(row['digest'])))
  if (digests.includes(manifest.digest)) return true
  for (const digest of digests) {
    if ((await sizeOf(blobPath(paths, digest))) === undefined) continue
    const document = parseObject(await readBlob(paths, digest, id), digest)
    const entries: unknown = document['manifests']
    if (Array.isArray(entries) && entries.some((entry) => isObject(entry) && entry['digest'] === manifest.digest))
      return true
  }
  return false
}

interface Exchange {
  readonly before: Manifest
  readonly descriptor: Descriptor
  readonly layers: readonly Descriptor[]
}

/** What the image had is kept no longer: the same content would take its space twice. */
function exchange({ database }: ImageContext, image: ImageRecord, { before, descriptor, layers }: Exchange): void {
  const { id, manifest } = image
  transaction(database, () => {
    const { changes } = database
      .prepare('UPDATE images SET manifest = ?, manifest_bytes = ? WHERE id = ? AND manifest = ?')
      .run(descriptor.digest, descriptor.size, id, manifest.digest)
    if (changes === 0) return // removed meanwhile, or somebody else was faster
    const drop = database.prepare('DELETE FROM image_blobs WHERE image_id = ? AND digest = ?')
    for (const { digest } of [manifest, ...before.layers]) drop.run(id, digest)
    const keep = database.prepare('INSERT OR IGNORE INTO image_blobs (image_id, digest) VALUES (?, ?)')
    for (const { digest } of [descriptor, ...layers]) keep.run(id, digest)
    const update = database.prepare('UPDATE image_layers SET blob = ? WHERE image_id = ? AND position = ?')
    for (const [position, { digest }] of layers.entries()) update.run(digest, id, position)
  })
}
