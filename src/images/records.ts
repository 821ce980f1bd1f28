/** Images as rows: reading and writing them, and nothing else. Writers run inside a transaction of the caller. */
import type { Descriptor, Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Database } from '../state/database.ts'
import type { ImageKind } from './kind.ts'

export interface ImageRecord {
  readonly id: Digest
  readonly kind: ImageKind
  readonly manifest: Descriptor
  readonly platform: Platform
  readonly sizeBytes: number
  readonly createdAtMs: number
  readonly labels: Readonly<Record<string, string>>
}

export interface LayerRecord {
  readonly chainID: Digest
  readonly diffID: Digest
  readonly blob: Digest
  readonly sizeBytes: number
}

export interface NewImage extends ImageRecord {
  /** Everything collection must keep: index, manifest, config, layers. */
  readonly blobs: readonly Digest[]
  readonly layers: readonly LayerRecord[]
}

/** A name of an image: with a tag, or with a digest. */
export interface ImageName {
  readonly repository: string
  readonly tag?: string
  /** The tag stands for this index: images of other platforms that have it by the same index keep it. */
  readonly index?: Digest
  readonly digest?: Digest
}

export function readImage(database: Database, id: string): ImageRecord | undefined {
  const row = database.prepare('SELECT * FROM images WHERE id = ?').get(id) as ImageRow | undefined
  return row === undefined ? undefined : toRecord(row)
}

/** All of them, newest first; those the user has removed already are left out. */
export function readImages(database: Database): readonly ImageRecord[] {
  const rows = database.prepare('SELECT * FROM images WHERE doomed = 0 ORDER BY created_at_ms DESC, id').all()
  return (rows as unknown as ImageRow[]).map(toRecord)
}

export function readLayers(database: Database, id: string): readonly LayerRecord[] {
  const rows = database.prepare('SELECT * FROM image_layers WHERE image_id = ? ORDER BY position').all(id)
  return (rows as unknown as LayerRow[]).map((row) => ({
    chainID: row.chain_id,
    diffID: row.diff_id,
    blob: row.blob,
    sizeBytes: row.size_bytes,
  }))
}

/** Every name of an image: tags first, each kind in alphabetical order. */
export function readNames(database: Database, id: string): readonly ImageName[] {
  const tags = database.prepare('SELECT repository, tag FROM image_tags WHERE image_id = ? ORDER BY 1, 2').all(id)
  const digests = database
    .prepare('SELECT repository, digest FROM image_digests WHERE image_id = ? ORDER BY 1, 2')
    .all(id)
  return [...tags, ...digests].map((row) => ({ ...row }) as unknown as ImageName)
}

/** Stores or refreshes an image. What it kept before is still kept: an older manifest of the same config stays pushable. */
export function writeImage(database: Database, image: NewImage): void {
  const { os, architecture, variant = '' } = image.platform
  database
    .prepare(`INSERT INTO images (id, manifest, manifest_type, manifest_bytes, kind, os, architecture, variant, size_bytes,
      created_at_ms, stored_at_ms, labels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest, manifest_type = excluded.manifest_type,
        manifest_bytes = excluded.manifest_bytes, doomed = 0`)
    .run(
      image.id,
      image.manifest.digest,
      image.manifest.mediaType,
      image.manifest.size,
      image.kind,
      os,
      architecture,
      variant,
      image.sizeBytes,
      image.createdAtMs,
      Date.now(),
      JSON.stringify(image.labels),
    )
  const keep = database.prepare('INSERT OR IGNORE INTO image_blobs (image_id, digest) VALUES (?, ?)')
  for (const digest of image.blobs) keep.run(image.id, digest)
  const layer = database.prepare('INSERT OR REPLACE INTO image_layers VALUES (?, ?, ?, ?, ?, ?)')
  for (const [position, { chainID, diffID, blob, sizeBytes }] of image.layers.entries()) {
    layer.run(image.id, position, chainID, diffID, blob, sizeBytes)
  }
}

/** Gives the name to this image; whichever image had the tag before loses it. A name also saves an image from collection. */
export function writeName(database: Database, id: string, { repository, tag, digest, index }: ImageName): void {
  if (tag !== undefined) {
    const before = index === undefined ? undefined : readTag(database, repository, tag)
    const siblings = before?.index === index ? (before?.ids ?? []) : []
    writeTag(database, { repository, tag }, { ids: [...new Set([...siblings, id])], index })
  }
  if (digest !== undefined) {
    database
      .prepare('INSERT OR IGNORE INTO image_digests (repository, digest, image_id) VALUES (?, ?, ?)')
      .run(repository, digest, id)
  }
  database.prepare('UPDATE images SET doomed = 0 WHERE id = ?').run(id)
}

/** What a tag stands for: one image, or those of an index. */
export interface Tagged {
  readonly ids: readonly string[]
  readonly index?: Digest | undefined
}

/** Whatever had the tag before loses it. A name also saves images from collection. */
export function writeTag(
  database: Database,
  { repository, tag }: { readonly repository: string; readonly tag: string },
  { ids, index }: Tagged,
): void {
  database.prepare('DELETE FROM image_tags WHERE repository = ? AND tag = ?').run(repository, tag)
  const insert = database.prepare('INSERT INTO image_tags VALUES (?, ?, ?, ?, ?)')
  const keep = database.prepare('UPDATE images SET doomed = 0 WHERE id = ?')
  for (const id of ids) {
    insert.run(repository, tag, id, Date.now(), index ?? null)
    keep.run(id)
  }
}

/** undefined: nothing has the tag. */
export function readTag(database: Database, repository: string, tag: string): Tagged | undefined {
  const rows = database
    .prepare('SELECT image_id, index_digest FROM image_tags WHERE repository = ? AND tag = ? ORDER BY rowid')
    .all(repository, tag)
  const [first] = rows
  if (first === undefined) return undefined
  return {
    ids: rows.map((row) => String(row['image_id'])),
    index: (first['index_digest'] as Digest | null) ?? undefined,
  }
}

/** That these images stand in the index. */
export function writeIndex(database: Database, digest: Digest, ids: readonly string[]): void {
  const insert = database.prepare('INSERT OR IGNORE INTO image_indexes VALUES (?, ?)')
  for (const id of ids) insert.run(digest, id)
}

export function deleteName(database: Database, id: string, name: ImageName): void {
  const column = name.tag === undefined ? 'digest' : 'tag'
  database
    .prepare(`DELETE FROM image_${column}s WHERE image_id = ? AND repository = ? AND ${column} = ?`)
    .run(id, name.repository, name.tag ?? name.digest ?? '')
}

export function rememberRepository(
  database: Database,
  blob: string,
  at: { registry: string; repository: string },
): void {
  database.prepare('INSERT OR IGNORE INTO blob_repositories VALUES (?, ?, ?)').run(blob, at.registry, at.repository)
}

/** Repositories of this registry that are known to hold the blob. */
export function knownRepositories(database: Database, blob: string, registry: string): readonly string[] {
  const rows = database
    .prepare('SELECT repository FROM blob_repositories WHERE digest = ? AND registry = ? ORDER BY 1 LIMIT 5')
    .all(blob, registry)
  return rows.map((row) => String(row['repository']))
}

interface ImageRow {
  readonly id: Digest
  readonly manifest: Digest
  readonly manifest_type: string
  readonly manifest_bytes: number
  readonly kind: ImageKind
  readonly os: string
  readonly architecture: string
  readonly variant: string
  readonly size_bytes: number
  readonly created_at_ms: number
  readonly labels: string
}

interface LayerRow {
  readonly chain_id: Digest
  readonly diff_id: Digest
  readonly blob: Digest
  readonly size_bytes: number
}

function toRecord(row: ImageRow): ImageRecord {
  return {
    id: row.id,
    kind: row.kind,
    manifest: { mediaType: row.manifest_type, digest: row.manifest, size: row.manifest_bytes },
    platform: { os: row.os, architecture: row.architecture, ...(row.variant !== '' && { variant: row.variant }) },
    sizeBytes: row.size_bytes,
    createdAtMs: row.created_at_ms,
    labels: JSON.parse(row.labels) as Record<string, string>,
  }
}
