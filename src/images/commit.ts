/** The last step of pull, load, import and build: content that is complete becomes an image with names. */
import type { Descriptor, Manifest } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { transaction } from '../state/database.ts'
import type { ImageContext } from './context.ts'
import type { Understood } from './kind.ts'
import type { Lease } from './leases.ts'
import { type ImageName, type LayerRecord, readImage, writeImage, writeName } from './records.ts'

export interface Commit {
  readonly understood: Understood
  readonly manifest: Manifest
  /** Of the manifest's own bytes. */
  readonly descriptor: Descriptor
  readonly layers: readonly LayerRecord[]
  /** Blobs to keep beyond manifest, config and layers: the index it was chosen from. */
  readonly also?: readonly Digest[]
  readonly names: readonly ImageName[]
  /** The manifest was made here, because the content came without one: an image that is there keeps its own. */
  readonly synthetic?: boolean
  /** Held on all of the content until now; released in the same transaction. */
  readonly lease: Lease
  /** More rows for the same transaction. */
  readonly inside?: () => void
}

/** Atomic: afterwards the image has all its names, or nothing has changed. */
export function commitImage(context: ImageContext, commit: Commit): void {
  transaction(context.database, () => {
    commitInside(context, commit)
    commit.lease.releaseInside()
  })
}

/** The same as part of a larger transaction, which also releases the lease. */
export function commitInside({ database }: ImageContext, commit: Commit): void {
  const { understood, manifest, descriptor, layers } = commit
  const { id, kind, platform, config } = understood
  const created = Date.parse(config.created ?? '')
  const unpacked = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0)
  const packed = manifest.layers.reduce((sum, layer) => sum + layer.size, 0)
  const blobs = [descriptor, manifest.config, ...manifest.layers].map((blob) => blob.digest)
  const keep = commit.synthetic === true && readImage(database, id) !== undefined
  if (!keep)
    writeImage(database, {
      id,
      kind,
      platform,
      manifest: descriptor,
      layers,
      blobs: [...blobs, ...(commit.also ?? [])],
      sizeBytes: kind === 'layers' ? unpacked : packed,
      createdAtMs: Number.isNaN(created) ? 0 : created,
      labels: config.config?.Labels ?? {},
    })
  for (const name of commit.names) writeName(database, id, name)
  commit.inside?.()
}
