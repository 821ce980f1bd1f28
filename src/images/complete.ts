/** Is everything an image is made of still on the disk? */
import { blobPath, hasBlob, readBlob, sizeOf } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { parseManifest } from './manifest.ts'
import { type ImageRecord, readLayers } from './records.ts'
import { snapshotSize } from './snapshot.ts'

/** False when a file or directory is missing, whoever removed it: a pull then mends it. */
export async function isComplete(context: ImageContext, image: ImageRecord): Promise<boolean> {
  for (const { chainID } of readLayers(context.database, image.id)) {
    if ((await snapshotSize(context, chainID)) === undefined) return false
  }
  if ((await sizeOf(blobPath(context.paths, image.manifest.digest))) === undefined) return false
  const manifest = parseManifest(await readBlob(context.paths, image.manifest.digest, image.id), image.manifest.digest)
  const present = await Promise.all([manifest.config, ...manifest.layers].map((blob) => hasBlob(context.paths, blob)))
  return present.every(Boolean)
}
