/** The last step of everything that makes an image here: config and manifest are written, layers taken in, names set. */
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { storeVerified } from './blobs.ts'
import { commitImage } from './commit.ts'
import type { ImageContext } from './context.ts'
import type { Lease } from './leases.ts'
import { makeManifest } from './load-docker.ts'
import type { ImageName } from './records.ts'
import type { Spooled } from './spool.ts'
import { storeLoaded } from './store-loaded.ts'

export interface MadeImage {
  readonly config: { readonly mediaType: string; readonly document: object }
  /** Layers of images that are here, lowest first. */
  readonly below?: readonly Descriptor[]
  /** The layer on top of them. */
  readonly layer: Spooled
  readonly layerType: string
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly names: readonly ImageName[]
}

/**
 * Atomic: the image is there with its names, or nothing is.
 *
 * @param lease - holds what is below against removal
 * @returns its id
 */
export async function storeMade(context: ImageContext, lease: Lease, made: MadeImage): Promise<Digest> {
  const { layer, below = [], layerType, annotations, names } = made
  const bytes = Buffer.from(JSON.stringify(made.config.document))
  const config = { mediaType: made.config.mediaType, digest: digestOf(bytes), size: bytes.byteLength }
  lease.add('blob', [config.digest])
  await storeVerified(context.paths, config, bytes)
  const top = { mediaType: layerType, digest: layer.digest, size: layer.sizeBytes }
  const find = ({ digest }: Descriptor) => (digest === layer.digest ? layer : undefined)
  const manifest = makeManifest(config, [...below, top], annotations)
  const commit = await storeLoaded(context, { lease, options: {} }, { ...manifest, find })
  commitImage(context, { ...commit, names })
  return commit.understood.id
}
