/** `rmi`: untags, and deletes what then has no name left. The rules are docker's (moby, daemon/images/image_delete.go). */
import { type Digest, digestHex } from '../oci/digest.ts'
import { familiarName, parseReference, repositoryName } from '../oci/reference.ts'
import { transaction } from '../state/database.ts'
import type { ImageContext } from './context.ts'
import { ImageInUse } from './errors.ts'
import { insertImageEvent } from './events.ts'
import { type FoundImage, findImage, taggedAs } from './find.ts'
import { collect } from './gc.ts'
import { leasedKeys } from './leases.ts'
import { deleteName, type ImageName, readImage, readNames } from './records.ts'
import type { RemoveImageResult } from './types.ts'

export interface RemoveOptions {
  readonly force?: boolean
  /** Leaves what is no longer needed on the disk for a later `image prune`. */
  readonly noPrune?: boolean
}

/**
 * The names go in one transaction, then content that nobody needs. The name of an index goes from all of its images.
 *
 * @throws {ImageNotFound}
 * @throws {ImageInUse} containers use it (running ones never let go), or it has more names than the one given
 */
export async function removeImage(
  context: ImageContext,
  name: string,
  options: RemoveOptions = {},
): Promise<RemoveImageResult> {
  const removed = transaction(context.database, () =>
    namedBy(context, name).map((image) => {
      const one =
        image.reference === undefined
          ? removeById(context, { image, name, options })
          : removeByName(context, { image, name, options })
      tell(context, image, one)
      return one
    }),
  )
  const untagged = [...new Set(removed.flatMap((one) => one.untagged))]
  const deleted = removed.flatMap((one) => one.deleted ?? [])
  if (deleted.length === 0) return { untagged, deleted }
  const { snapshots } = options.noPrune === true ? { snapshots: [] } : await collect(context)
  return { untagged, deleted: [...deleted, ...snapshots.toReversed()] }
}

/** One image, or those of an index. @throws {ImageNotFound} */
function namedBy({ database }: ImageContext, name: string): readonly FoundImage[] {
  const image = findImage(database, name)
  return taggedAs(database, image, name).ids.flatMap((id) => {
    const one = readImage(database, id)
    return one === undefined ? [] : [{ ...one, reference: image.reference }]
  })
}

interface Removal {
  readonly image: FoundImage
  /** As the user typed it, for the messages. */
  readonly name: string
  readonly options: RemoveOptions
}

interface Removed {
  readonly untagged: readonly string[]
  /** The image itself, when it went. */
  readonly deleted?: Digest
}

/** Part of the transaction: what is told has happened, and what has happened is told. */
function tell({ database }: ImageContext, image: FoundImage, { untagged, deleted }: Removed): void {
  for (const name of untagged) insertImageEvent(database, { action: 'untag', image, name })
  if (deleted !== undefined) insertImageEvent(database, { action: 'delete', image, name: deleted })
}

function removeByName(context: ImageContext, { image, name, options }: Removal): Removed {
  const { database } = context
  const names = readNames(database, image.id)
  const [user] = context.usersOf(image.id)
  if (options.force !== true && inOneRepository(names) && user !== undefined) {
    throw new ImageInUse(
      `remove repository reference "${name}" (must force)`,
      `container ${user.id.slice(0, 12)} is using its referenced image ${short(image.id)}`,
      { hint: `remove the container first: coracle rm ${user.name}` },
    )
  }
  const given = names.find((one) => isSameName(image, one))
  const removed = given === undefined ? [] : [given]
  // Digests of a repository whose last tag goes would keep an image that nobody can name any more.
  const left = names.filter((one) => one !== given)
  const repository = given?.repository
  const tagsLeft = left.some((one) => one.repository === repository && one.tag !== undefined)
  if (given?.tag !== undefined && !tagsLeft) removed.push(...left.filter((one) => one.repository === repository))
  for (const one of removed) deleteName(database, image.id, one)
  const untagged = removed.map(displayed)
  if (readNames(database, image.id).length > 0) return { untagged }
  // As docker: after the last name went by force, a container that still uses the image merely keeps it.
  if (user !== undefined && (options.force !== true || context.usersOf(image.id).some((one) => one.running))) {
    return { untagged }
  }
  deleteRow(context, image.id)
  return { untagged, deleted: image.id }
}

function removeById(context: ImageContext, { image, options }: Removal): Removed {
  const names = readNames(context.database, image.id)
  const conflict = (reason: string, cure: 'must be forced' | 'cannot be forced') =>
    new ImageInUse(`delete ${short(image.id)} (${cure})`, reason)
  const users = context.usersOf(image.id)
  const running = users.find((user) => user.running)
  if (running !== undefined) {
    throw conflict(`image is being used by running container ${running.id.slice(0, 12)}`, 'cannot be forced')
  }
  if (options.force !== true) {
    if (!inOneRepository(names)) throw conflict('image is referenced in multiple repositories', 'must be forced')
    const [user] = users
    if (user !== undefined) {
      throw conflict(`image is being used by stopped container ${user.id.slice(0, 12)}`, 'must be forced')
    }
  }
  for (const one of names) deleteName(context.database, image.id, one)
  deleteRow(context, image.id)
  return { untagged: names.map(displayed), deleted: image.id }
}

/** Somebody between `prepare` and the record of a container still finds the image by its id; collection takes it later. */
function deleteRow({ database, usersOf }: ImageContext, id: Digest): void {
  const needed = leasedKeys(database, 'image').has(id) || usersOf(id).length > 0
  database.prepare(needed ? 'UPDATE images SET doomed = 1 WHERE id = ?' : 'DELETE FROM images WHERE id = ?').run(id)
}

/** At most one tag, and nothing from another repository than its own. */
function inOneRepository(names: readonly ImageName[]): boolean {
  const tags = names.filter(({ tag }) => tag !== undefined)
  return tags.length <= 1 && new Set(names.map(({ repository }) => repository)).size <= 1
}

function isSameName({ reference }: FoundImage, { repository, tag, digest }: ImageName): boolean {
  if (reference === undefined || repositoryName(reference) !== repository) return false
  return reference.digest === undefined ? tag === reference.tag : digest === reference.digest
}

function displayed({ repository, tag, digest }: ImageName): string {
  return familiarName(parseReference(tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`))
}

const short = (id: Digest): string => digestHex(id).slice(0, 12)
