/** Manifest and config of a stored image, from its blobs the first time and from the database after that. */
import type { Manifest } from '../oci/descriptor.ts'
import type { Database } from '../state/database.ts'
import { isDiskFull } from '../state/disk-full.ts'
import { readBlob } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { type Understood, understand } from './kind.ts'
import { parseManifest } from './manifest.ts'
import type { ImageRecord } from './records.ts'

export interface ImageContent {
  readonly manifest: Manifest
  readonly understood: Understood
}

type Store = Pick<ImageContext, 'paths' | 'database'>

interface Documents {
  readonly manifest: Uint8Array
  readonly config: Uint8Array
}

/** @throws {BlobMissing | BlobMismatch} a file of the store has been removed or changed before anybody has read it */
export async function readContent(context: Store, image: ImageRecord): Promise<ImageContent> {
  const { digest } = image.manifest
  const documents = readKept(context.database, image) ?? (await readBlobs(context, image))
  const manifest = parseManifest(documents.manifest, digest)
  const understood = understand(manifest, image.kind, { manifest: digest, config: documents.config })
  return { manifest, understood }
}

/** To hash two small files takes no time, but to load what does it takes more than all else that `run` asks of an image. */
function readKept(database: Database, image: ImageRecord): Documents | undefined {
  const row = database
    .prepare('SELECT manifest_content, config_content FROM image_documents WHERE image_id = ? AND manifest = ?')
    .get(image.id, image.manifest.digest)
  if (row === undefined) return undefined
  return { manifest: row['manifest_content'] as Uint8Array, config: row['config_content'] as Uint8Array }
}

async function readBlobs(context: Store, image: ImageRecord): Promise<Documents> {
  const { digest } = image.manifest
  const manifest = await readBlob(context.paths, digest, image.id)
  const config = await readBlob(context.paths, parseManifest(manifest, digest).config.digest, image.id)
  if (manifest.byteLength + config.byteLength <= MAX_KEPT_BYTES) keep(context.database, image, { manifest, config })
  return { manifest, config }
}

/** A hundred times what is usual. */
const MAX_KEPT_BYTES = 1024 * 1024

function keep(database: Database, { id, manifest }: ImageRecord, documents: Documents): void {
  try {
    database
      .prepare(
        `INSERT OR REPLACE INTO image_documents (image_id, manifest, manifest_content, config_content)
         SELECT id, manifest, ?, ? FROM images WHERE id = ? AND manifest = ?`,
      )
      .run(documents.manifest, documents.config, id, manifest.digest)
  } catch (error) {
    if (!isDiskFull(error)) throw error // reading goes on where there is no room to write
  }
}
