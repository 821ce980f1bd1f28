/** Every image against the content that it is made of. */
import { type Digest, parseDigest } from '../../oci/digest.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import type { CheckOptions, Finding, RoomReport } from '../../state/findings.ts'
import { blobPath, readBlob, sizeOf } from '../blobs.ts'
import type { ImageContext } from '../context.ts'
import { parseManifest } from '../manifest.ts'
import { type ImageRecord, readImage, readNames } from '../records.ts'
import { takeAway } from './blobs.ts'

export async function checkReferences(context: ImageContext, options: CheckOptions): Promise<RoomReport> {
  const ids = context.database.prepare('SELECT id FROM images').all() as { id: string }[]
  const findings: Finding[] = []
  for (const { id } of ids) {
    options.signal?.throwIfAborted()
    const image = readImage(context.database, id)
    if (image !== undefined) findings.push(...(await checkImage(context, image, options)))
  }
  return { checked: { images: ids.length }, findings }
}

async function checkImage(context: ImageContext, image: ImageRecord, options: CheckOptions): Promise<Finding[]> {
  const { database, paths } = context
  const sizes = await sizesOf(context, image)
  const rows = database.prepare('SELECT digest FROM image_blobs WHERE image_id = ?').all(image.id)
  const findings: Finding[] = []
  const missing: Digest[] = []
  for (const row of rows) {
    const digest = parseDigest(String(row['digest']))
    const [size, expected] = [await sizeOf(blobPath(paths, digest)), sizes.get(digest)]
    if (size === undefined) missing.push(digest)
    else if (expected !== undefined && size !== expected) {
      findings.push(
        await takeAway(context, { digest, problem: `it has ${size} bytes instead of ${expected}` }, options),
      )
      if (options.repair) missing.push(digest)
    }
  }
  // Removed while we looked: then nothing is missing.
  if (missing.length > 0 && readImage(database, image.id) !== undefined)
    findings.push(...missing.map(lack(context, image)))
  return findings
}

/** Of manifest, config and layers; what cannot be read is found missing or damaged elsewhere. */
async function sizesOf({ paths }: ImageContext, { id, manifest }: ImageRecord): Promise<ReadonlyMap<Digest, number>> {
  const known = [[manifest.digest, manifest.size] as const]
  try {
    const { config, layers } = parseManifest(await readBlob(paths, manifest.digest, id), manifest.digest)
    return new Map([...known, ...[config, ...layers].map(({ digest, size }) => [digest, size] as const)])
  } catch {
    return new Map(known)
  }
}

function lack({ database }: ImageContext, image: ImageRecord): (digest: Digest) => Finding {
  const name = nameOf(database, image)
  const cure = wasPulled(database, image)
    ? `fetch it again: coracle pull ${name}`
    : 'it was made here: import, load or build it again'
  return (digest) => ({
    kind: 'missing-blob',
    subject: digest,
    problem: `content of image ${name} is not in the store; ${cure}`,
    repair: undefined,
    repaired: false,
  })
}

/** What a user can pull or remove: a name with a tag where there is one. */
export function nameOf(database: ImageContext['database'], { id }: Pick<ImageRecord, 'id'>): string {
  const [name] = readNames(database, id)
  if (name === undefined) return id.slice('sha256:'.length, 'sha256:'.length + 12)
  const { repository, tag, digest } = name
  return familiarName(parseReference(tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`))
}

function wasPulled(database: ImageContext['database'], { id }: ImageRecord): boolean {
  return readNames(database, id).some(({ digest }) => digest !== undefined)
}
