/** A new image out of an image that is here and one layer more: what `commit` makes. */
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { InvalidArgument } from '../errors.ts'
import type { Descriptor, ImageConfig, ImageProcessConfig } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { layerCompression, layerType, OCI_CONFIG, OCI_LAYER } from '../oci/media-types.ts'
import { applyChanges } from './changes.ts'
import type { ImageContext } from './context.ts'
import { findImage } from './find.ts'
import { openLease } from './leases.ts'
import { newNames } from './new-names.ts'
import { readContent } from './read-content.ts'
import { spool } from './spool.ts'
import { storeMade } from './store-made.ts'

export interface DeriveOptions {
  /** Id of the image below. */
  readonly base: string
  /** The layer's tar, uncompressed; opened once all else is in order, and read to the end or destroyed. */
  readonly layer: () => Readable
  /** How containers of the new image start, before `changes`. */
  readonly config: ImageProcessConfig
  /** Dockerfile instructions. */
  readonly changes?: readonly string[] | undefined
  readonly reference?: string | undefined
  readonly author?: string | undefined
  readonly message?: string | undefined
  /** For the history: the command that made the layer. */
  readonly createdBy?: string | undefined
}

/**
 * Atomic: the image is there with its name, or nothing is.
 *
 * @returns its id
 * @throws {InvalidArgument} the name or a change is malformed; nothing has been read then
 * @throws {ImageNotFound} the image below has been removed
 */
export async function deriveImage(context: ImageContext, options: DeriveOptions): Promise<Digest> {
  const names = newNames([options.reference])
  applyChanges({}, options.changes ?? []) // a mistake there is told before any work
  using lease = openLease(context.database)
  const base = findImage(context.database, options.base)
  lease.add('image', [base.id])
  const { manifest, understood } = await readContent(context, base)
  if (base.kind !== 'layers') throw new InvalidArgument(`image ${options.base} has no layers to go on from`)
  const config = applyChanges({ ...unsaid(understood.config), ...options.config }, options.changes ?? [])
  const layer = await spool(context.paths, 'commit', options.layer())
  try {
    lease.add('blob', [layer.digest])
    const document = describe(understood.config, { ...options, config, diffID: layer.digest })
    const below = manifest.layers.map(inOCI)
    const made = { config: { mediaType: OCI_CONFIG, document }, below, layer, layerType: OCI_LAYER, names }
    return await storeMade(context, lease, made)
  } finally {
    await rm(layer.path, { force: true })
  }
}

function describe(
  base: ImageConfig,
  { config, author, message, createdBy, diffID }: DeriveOptions & { readonly diffID: Digest },
): ImageConfig {
  const created = new Date().toISOString()
  const step = {
    created,
    ...(createdBy !== undefined && { created_by: createdBy }),
    ...(author !== undefined && { author }),
    ...(message !== undefined && { comment: message }),
  }
  const { author: _, ...kept } = base
  return {
    ...kept,
    created,
    ...(author !== undefined && { author }),
    config,
    rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, diffID] },
    history: [...(base.history ?? []), step],
  }
}

/** What no container says otherwise, so that it stays as it is. */
function unsaid({ config = {} }: ImageConfig): ImageProcessConfig {
  const { ExposedPorts, OnBuild, Healthcheck } = config
  return {
    ...(ExposedPorts !== undefined && { ExposedPorts }),
    ...(OnBuild !== undefined && { OnBuild }),
    ...(Healthcheck !== undefined && { Healthcheck }),
  }
}

/** The manifest is OCI's now, and so are the names of what is in it. */
function inOCI({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType: layerType(layerCompression(mediaType) ?? 'none'), digest, size }
}
