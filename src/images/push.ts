/** `push`: the bytes that were pulled, as they are, or what was made here, compressed; layers in parallel, the manifest last. */
import { createReadStream } from 'node:fs'
import { InvalidArgument } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { isIndex } from '../oci/media-types.ts'
import { canonicalName, parseReference, type Reference, repositoryName } from '../oci/reference.ts'
import type { RegistryRepository } from '../registry/client.ts'
import { transaction } from '../state/database.ts'
import { blobPath, hasBlob, readBlob } from './blobs.ts'
import { compressImage } from './compress-image.ts'
import { USUAL } from './compress-layer.ts'
import type { ImageContext } from './context.ts'
import { BlobMissing, NothingToPush } from './errors.ts'
import { findImage, imagesNamed, taggedAs } from './find.ts'
import { inParallel } from './in-parallel.ts'
import { openLease } from './leases.ts'
import { parsePlatform } from './platform.ts'
import { reporter } from './pull-layer.ts'
import { knownRepositories, rememberRepository, writeName } from './records.ts'
import type { PushOptions, PushResult } from './types.ts'
import { contentOf, findWholeIndex } from './whole-index.ts'

/** Blobs at once, as docker does. */
const PARALLEL_BLOBS = 5

/**
 * Sends the image; with `allTags` every tag of the repository. An index goes as a whole when all of its images are in the
 * store (and no platform was asked for), else only the one image goes.
 *
 * @throws {NothingToPush} no image has that name
 */
export async function pushImage(
  context: ImageContext,
  name: string,
  options: PushOptions = {},
): Promise<readonly PushResult[]> {
  const reference = parseReference(name)
  if (reference.digest !== undefined) throw new InvalidArgument('cannot push a digest reference')
  if (options.allTags === true && reference.tag !== undefined) {
    throw new InvalidArgument("tag can't be used with --all-tags/-a")
  }
  const tags = options.allTags === true ? tagsOf(context, reference) : [reference.tag ?? 'latest']
  if (tags.length === 0) throw new NothingToPush(repositoryName(reference))
  options.onMessage?.(`The push refers to repository [${repositoryName(reference)}]`)
  const results: PushResult[] = []
  for (const tag of tags) results.push(await pushTag(context, { ...reference, tag }, options))
  return results
}

function tagsOf({ database }: ImageContext, reference: Reference): readonly string[] {
  const rows = database.prepare('SELECT DISTINCT tag FROM image_tags WHERE repository = ? ORDER BY tag')
  return rows.all(repositoryName(reference)).map((row) => String(row['tag']))
}

async function pushTag(
  context: ImageContext,
  reference: Reference & { readonly tag: string },
  options: PushOptions,
): Promise<PushResult> {
  const { database } = context
  const { exact, signal } = options
  if (exact === undefined && imagesNamed(database, reference).length === 0)
    throw new NothingToPush(canonicalName(reference))
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform)
  const name = exact?.id ?? canonicalName(reference)
  using lease = openLease(database)
  const found = findImage(database, name, wanted)
  const { ids } = taggedAs(database, found, name)
  lease.add('image', ids)
  const isWhole = exact === undefined ? wanted === undefined : isIndex(exact.target.mediaType)
  const whole = isWhole ? await findWholeIndex(context, found, name) : undefined
  // As it goes over the wire: what was pulled, and what is in an index, as it is; what was made here with its layers compressed.
  const manifest =
    whole === undefined
      ? (exact?.target ?? (await compressImage(context, found, { ...USUAL, lease, signal })))
      : found.manifest
  const image = { ...found, manifest }
  const content = whole ?? (await contentOf(context, [image.manifest]))
  const repository = context.registry.repository(reference, 'push')
  await pushBlobs(context, { repository, blobs: content.blobs, options })

  const top = content.manifests.at(-1) ?? image.manifest
  for (const manifest of content.manifests) {
    const bytes = await readBlob(context.paths, manifest.digest, image.id)
    const target = manifest === top ? reference.tag : manifest.digest
    await repository.putManifest(target, bytes, manifest.mediaType, signal)
  }
  transaction(database, () => {
    for (const blob of content.blobs) rememberRepository(database, blob.digest, reference)
    for (const id of whole === undefined ? [image.id] : ids)
      writeName(database, id, { repository: repositoryName(reference), digest: top.digest })
  })
  return { reference: canonicalName(reference), tag: reference.tag, digest: top.digest, sizeBytes: top.size }
}

async function pushBlobs(
  context: ImageContext,
  {
    repository,
    blobs,
    options,
  }: {
    readonly repository: RegistryRepository
    readonly blobs: readonly Descriptor[]
    readonly options: PushOptions
  },
): Promise<void> {
  const { registry, repository: target } = repository.reference
  for (const blob of blobs) reporter(options, blob)('preparing')
  const pushOne = async (blob: Descriptor, _: number, signal: AbortSignal) => {
    if (!(await hasBlob(context.paths, blob))) throw new BlobMissing(blob.digest, canonicalName(repository.reference))
    const report = reporter(options, blob)
    const known = knownRepositories(context.database, blob.digest, registry)
    const open = async (offset: number) => createReadStream(blobPath(context.paths, blob.digest), { start: offset })
    const outcome = await repository.pushBlob(blob, open, {
      mountFrom: known.filter((one) => one !== target),
      onProgress: (sentBytes) => report('pushing', sentBytes),
      signal,
    })
    report(outcome === 'uploaded' ? 'pushed' : outcome, blob.size)
  }
  await inParallel(blobs, pushOne, { limit: PARALLEL_BLOBS, signal: options.signal })
}
