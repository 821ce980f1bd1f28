/** From what users type to an image of the store: a name with tag or digest, an id, or the beginning of an id. */
import { InvalidArgument } from '../errors.ts'
import type { Platform } from '../oci/descriptor.ts'
import { isDigest } from '../oci/digest.ts'
import { canonicalName, parseReference, type Reference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import type { Database } from '../state/database.ts'
import { AmbiguousImage, ImageNotFound, PlatformMismatch } from './errors.ts'
import { formatPlatform, hostPlatform, platformMatches } from './platform.ts'
import { type ImageRecord, readImage, readTag, type Tagged } from './records.ts'

export interface FoundImage extends ImageRecord {
  /** The name it was found by; undefined when it was an id. */
  readonly reference: Reference | undefined
}

/**
 * @throws {ImageNotFound} nothing has that name
 * @throws {PlatformMismatch} it is there, for another platform
 * @throws {AmbiguousImage} more than one id starts with it
 */
export function findImage(database: Database, name: string, platform?: Platform): FoundImage {
  const found =
    findById(database, name, platform) ?? findByName(database, name, platform) ?? findByPrefix(database, name)
  if (found === undefined) throw new ImageNotFound(name)
  if (platform !== undefined && !platformMatches(platform, found.platform)) {
    throw new PlatformMismatch(name, formatPlatform(platform), formatPlatform(found.platform))
  }
  return found
}

/** Whole ids find even what has been removed while a container was being made of it. The digest of an index is one too. */
function findById(database: Database, name: string, platform: Platform | undefined): FoundImage | undefined {
  if (!/^(?:sha256:)?[0-9a-f]{64}$/.test(name)) return undefined
  const id = name.startsWith('sha256:') ? name : `sha256:${name}`
  const image = readImage(database, id) ?? mostSuitable(imagesOfIndex(database, id), platform)
  return image && { ...image, reference: undefined }
}

function imagesOfIndex(database: Database, digest: string): readonly ImageRecord[] {
  const rows = database.prepare('SELECT image_id FROM image_indexes WHERE digest = ?').all(digest)
  return rows.map((row) => readImage(database, String(row['image_id']))).filter((image) => image !== undefined)
}

function findByName(database: Database, name: string, platform: Platform | undefined): FoundImage | undefined {
  const reference = tryReference(name)
  if (reference === undefined) return undefined
  const image = mostSuitable(imagesNamed(database, reference), platform)
  return image && { ...image, reference }
}

/** Without a wish one for this host; a program for any host comes next. */
function mostSuitable(images: readonly ImageRecord[], platform: Platform | undefined): ImageRecord | undefined {
  if (images.length < 2) return images[0]
  const wishes = platform === undefined ? [hostPlatform(), { os: 'wasi', architecture: 'wasm' }] : [platform]
  for (const wish of wishes) {
    const exact = images.find((one) => formatPlatform(one.platform) === formatPlatform(wish))
    const found = exact ?? images.find((one) => platformMatches(wish, one.platform))
    if (found !== undefined) return found
  }
  return images[0]
}

function tryReference(name: string): Reference | undefined {
  try {
    return withDefaultTag(parseReference(name))
  } catch (error) {
    // No reference, but perhaps the beginning of an id (`sha256:1f…`).
    if (error instanceof InvalidArgument) return undefined
    throw error
  }
}

/** Latest first; more than one only for an index. */
export function imagesNamed(database: Database, reference: Reference): readonly ImageRecord[] {
  const repository = repositoryName(reference)
  const rows =
    reference.digest === undefined
      ? database
          .prepare('SELECT image_id FROM image_tags WHERE repository = ? AND tag = ? ORDER BY rowid')
          .all(repository, reference.tag ?? 'latest')
      : database
          .prepare(`SELECT image_id FROM image_digests JOIN images ON images.id = image_id
            WHERE repository = ? AND digest = ? ORDER BY stored_at_ms DESC`)
          .all(repository, reference.digest)
  return rows.map((row) => readImage(database, String(row['image_id']))).filter((image) => image !== undefined)
}

function findByPrefix(database: Database, name: string): FoundImage | undefined {
  const prefix = name.replace(/^sha256:/, '')
  if (!/^[0-9a-f]{1,63}$/.test(prefix)) return undefined
  const rows = database
    .prepare('SELECT id FROM images WHERE id BETWEEN ? AND ? AND doomed = 0 LIMIT 2')
    .all(`sha256:${prefix}`, `sha256:${prefix}g`)
  if (rows.length > 1) throw new AmbiguousImage(name)
  const image = rows[0] && readImage(database, String(rows[0]['id']))
  return image && { ...image, reference: undefined }
}

/** What the name stands for that an image was found by: its index, or the image alone. */
export function taggedAs(database: Database, { id, reference }: FoundImage, name: string): Tagged {
  if (reference === undefined) {
    const index = name.startsWith('sha256:') ? name : `sha256:${name}`
    const ids = isDigest(index) ? imagesOfIndex(database, index).map((image) => image.id) : []
    return isDigest(index) && ids.includes(id) ? { ids, index } : { ids: [id] }
  }
  const { tag, digest } = reference
  const tagged =
    tag === undefined || digest !== undefined ? undefined : readTag(database, repositoryName(reference), tag)
  return tagged ?? { ids: [id] }
}

/** How a message calls an image: by the name the user gave, else by its id. */
export function displayName(image: FoundImage): string {
  return image.reference === undefined ? image.id : canonicalName(image.reference)
}
