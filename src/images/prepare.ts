/** `prepare`: what a container needs of an image, on disk, and safe from collection until the container is on record. */
import { createReadStream } from 'node:fs'
import { canonicalName } from '../oci/reference.ts'
import { transaction } from '../state/database.ts'
import { acquireLock } from '../state/lock.ts'
import { blobPath } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { BlobMissing, ImageNotRunnable } from './errors.ts'
import { type FoundImage, findImage } from './find.ts'
import { leaseForThisProcess } from './leases.ts'
import { parsePlatform } from './platform.ts'
import { type ImageContent, readContent } from './read-content.ts'
import { readLayers } from './records.ts'
import type { LayerContent } from './snapshot.ts'
import type { PreparedImage } from './types.ts'

/**
 * @throws {ImageNotFound} it is not in the store, or (`PlatformMismatch`) only for another platform
 * @throws {ImageNotRunnable} it is an artifact of an unknown kind
 */
export async function prepareImage(
  context: ImageContext,
  name: string,
  options: { readonly platform?: string } = {},
): Promise<PreparedImage> {
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform)
  const image = transaction(context.database, () => {
    const found = findImage(context.database, name, wanted)
    leaseForThisProcess(context.database, found.id)
    return found
  })
  const content = await readContent(context, image)
  const { manifest, understood } = content
  if (image.kind === 'artifact') throw new ImageNotRunnable(name, manifest.artifactType ?? manifest.config.mediaType)
  return {
    id: image.id,
    name: image.reference === undefined ? image.id : canonicalName(image.reference),
    platform: image.platform,
    config: understood.config,
    annotations: manifest.annotations ?? {},
    content: image.kind === 'module' ? moduleOf(context, content) : await layersOf(context, { image, content }),
  }
}

function moduleOf(context: ImageContext, { manifest, understood }: ImageContent): PreparedImage['content'] {
  const [layer] = manifest.layers
  if (layer === undefined) throw new BlobMissing('(the module)', understood.id)
  return { kind: 'module', path: blobPath(context.paths, layer.digest) }
}

async function layersOf(
  context: ImageContext,
  { image, content }: { readonly image: FoundImage; readonly content: ImageContent },
): Promise<PreparedImage['content']> {
  const layers = readLayers(context.database, image.id)
  for (const [index, layer] of layers.entries()) {
    if (await context.snapshots.has(layer.chainID)) continue
    const blob = content.manifest.layers[index]
    if (blob === undefined) throw new BlobMissing(layer.blob, image.id)
    await unpackAgain(context, { ...layer, blob })
  }
  return { kind: 'layers', lower: layers.map(({ chainID }) => context.snapshots.path(chainID)).toReversed() }
}

/** Somebody removed the directory, but the blob is there. */
async function unpackAgain(context: ImageContext, layer: LayerContent): Promise<void> {
  using _ = await acquireLock(context.database, `snapshot:${layer.chainID}`)
  const { fillSnapshot, snapshotSize } = await import('./snapshot.ts')
  if ((await snapshotSize(context, layer.chainID)) !== undefined) return
  await fillSnapshot(context, { ...layer, open: () => createReadStream(blobPath(context.paths, layer.blob.digest)) })
}
