/** Manifest and config of a stored image, read from its blobs and checked again. */
import type { Manifest } from '../oci/descriptor.ts'
import { readBlob } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { type ImageKind, type Understood, understand } from './kind.ts'
import { parseManifest } from './manifest.ts'
import type { ImageRecord } from './records.ts'

export interface ImageContent {
  readonly manifest: Manifest
  readonly understood: Understood
}

/** @throws {BlobMissing} a file of the store has been removed by somebody */
export async function readContent(context: ImageContext, image: ImageRecord): Promise<ImageContent> {
  const bytes = await readBlob(context.paths, image.manifest.digest, image.id)
  const manifest = parseManifest(bytes, image.manifest.digest)
  const config = await readBlob(context.paths, manifest.config.digest, image.id)
  const kind: ImageKind = image.kind
  return { manifest, understood: understand(manifest, kind, { manifest: image.manifest.digest, config }) }
}
