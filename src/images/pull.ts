/** `pull`: from a name to an image of the store, everything in parallel, each piece once. */
import type { Descriptor, Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import {
  canonicalName,
  parseReference,
  type Reference,
  repositoryName,
  tagOrDigest,
  withDefaultTag,
} from '../oci/reference.ts'
import { statePath } from '../paths.ts'
import type { RegistryRepository } from '../registry/client.ts'
import { transaction } from '../state/database.ts'
import { readBlob, storeVerified, translateFull } from './blobs.ts'
import { commitImage } from './commit.ts'
import { isComplete } from './complete.ts'
import type { ImageContext } from './context.ts'
import { PlatformMismatch } from './errors.ts'
import { imagesNamed } from './find.ts'
import { inParallel } from './in-parallel.ts'
import { kindOf, type Understood, understand } from './kind.ts'
import { openLease } from './leases.ts'
import { formatPlatform, hostPlatform, parsePlatform, platformMatches } from './platform.ts'
import { fetchOnly, pullLayer, reporter } from './pull-layer.ts'
import { type ImageName, type LayerRecord, readImage, rememberRepository, writeName } from './records.ts'
import { type ResolvedManifest, resolveManifest } from './resolve-manifest.ts'
import { chainIDs } from './snapshot.ts'
import type { PullOptions, PullResult, TransferOptions } from './types.ts'

/** What the database wants for the records of an image, roughly. */
const STATE_GROWTH_BYTES = 64 * 1024

/** Layers at once, as docker does. */
const PARALLEL_LAYERS = 3

/**
 * With `allTags` every tag is pulled and the last one returned.
 *
 * @throws {PlatformMissing} the index has nothing for the platform; the hint lists what it has
 * @throws {ManifestUnsupported} what the name stands for is no image that Coracle takes
 */
export async function pullImage(context: ImageContext, name: string, options: PullOptions = {}): Promise<PullResult> {
  const reference = parseReference(name)
  if (options.allTags !== true) return pullOne(context, withDefaultTag(reference), options)
  const { registry, repository } = reference
  const tags = context.registry.repository(reference, 'pull').tags(options.signal ? { signal: options.signal } : {})
  let result: PullResult | undefined
  for await (const tag of tags) {
    if (result !== undefined) options.onMessage?.(`Digest: ${result.digest}`)
    result = await pullOne(context, { registry, repository, tag }, options)
  }
  return result ?? pullOne(context, withDefaultTag(reference), options)
}

async function pullOne(context: ImageContext, reference: Reference, options: PullOptions): Promise<PullResult> {
  const pull: Pull = {
    reference,
    repository: context.registry.repository(reference, 'pull'),
    wanted: options.platform === undefined ? undefined : parsePlatform(options.platform),
    options,
  }
  options.onMessage?.(`${tagOrDigest(reference)}: Pulling from ${reference.repository}`)
  try {
    return (await findPresent(context, pull)) ?? (await fetchImage(context, pull))
  } catch (error) {
    throw translateFull(error, statePath(context.paths), STATE_GROWTH_BYTES)
  }
}

interface Pull {
  readonly reference: Reference
  readonly repository: RegistryRepository
  readonly wanted: Platform | undefined
  readonly options: PullOptions
}

/** An image that is there, complete and unchanged costs one HEAD, which Docker Hub does not count. */
async function findPresent(context: ImageContext, pull: Pull): Promise<PullResult | undefined> {
  const { reference, repository, wanted, options } = pull
  const { database } = context
  if (imagesNamed(database, reference).length === 0) return undefined
  const { digest } = await repository.resolve(tagOrDigest(reference), options.signal)
  const image = imagesNamed(database, { ...reference, digest }).find((one) => suits(one.platform, wanted))
  if (image === undefined) return undefined
  using lease = openLease(database)
  lease.add('image', [image.id])
  if (!(await isComplete(context, image))) return undefined
  const upToDate = imagesNamed(database, reference).some((one) => one.id === image.id)
  const there = transaction(database, () => {
    if (readImage(database, image.id) === undefined) return false
    for (const name of namesFor(reference, { named: digest, image: image.manifest.digest }))
      writeName(database, image.id, name)
    return true
  })
  return there ? { reference: canonicalName(reference), id: image.id, digest, upToDate } : undefined
}

interface Pulled {
  /** What the name stands for. */
  readonly named: Digest
  /** The manifest. */
  readonly image: Digest
}

/** A digest wins over a tag beside it: who names both gets no tag, as with docker. */
function namesFor(reference: Reference, { named: digest, image }: Pulled): readonly ImageName[] {
  const repository = repositoryName(reference)
  const tagged = reference.digest === undefined && reference.tag !== undefined
  const index = digest === image ? {} : { index: digest }
  return [...(tagged ? [{ repository, tag: reference.tag, ...index }] : []), { repository, digest }]
}

/** Without a wish an image for this host is right, and a WASM program runs anywhere. */
function suits(platform: Platform, wanted: Platform | undefined): boolean {
  return platformMatches(wanted ?? hostPlatform(), platform) || (wanted === undefined && platform.os === 'wasi')
}

async function fetchImage(context: ImageContext, pull: Pull): Promise<PullResult> {
  const { reference, repository, wanted, options } = pull
  const name = canonicalName(reference)
  const resolved = await resolveManifest(repository, { wanted, signal: options.signal })
  const { manifest, named, image } = resolved
  const kind = kindOf(manifest, name)
  using lease = openLease(context.database)
  lease.add('blob', [named.digest, image.digest, ...contentOf(resolved).map((blob) => blob.digest)])
  for (const answer of resolved.answers) await storeVerified(context.paths, answer.descriptor, answer.bytes)
  await fetchOnly(context, repository, { blob: manifest.config, options: quiet(options.signal) })
  const config = await readBlob(context.paths, manifest.config.digest, name)
  const understood = understand(manifest, kind, { manifest: image.digest, config })
  checkPlatform(pull, understood)

  if (kind === 'layers') lease.add('snapshot', chainIDs(understood.config.rootfs.diff_ids))
  const layers = await pullLayers(context, pull, { resolved, understood })
  const { database } = context
  const upToDate =
    imagesNamed(database, reference).some((one) => one.id === understood.id) &&
    imagesNamed(database, { ...reference, digest: named.digest }).some((one) => one.id === understood.id)
  commitImage(context, {
    understood,
    manifest,
    descriptor: image,
    layers,
    names: namesFor(reference, { named: named.digest, image: image.digest }),
    also: resolved.answers.map((answer) => answer.descriptor.digest),
    lease,
    inside: () => {
      for (const blob of contentOf(resolved)) rememberRepository(context.database, blob.digest, reference)
    },
  })
  return { reference: name, id: understood.id, digest: named.digest, upToDate }
}

const contentOf = ({ manifest }: ResolvedManifest): readonly Descriptor[] => [manifest.config, ...manifest.layers]
const quiet = (signal: AbortSignal | undefined): TransferOptions => (signal === undefined ? {} : { signal })

function checkPlatform({ reference, wanted }: Pull, { kind, platform }: Understood): void {
  if (wanted === undefined || kind === 'artifact' || platformMatches(wanted, platform)) return
  throw new PlatformMismatch(canonicalName(reference), formatPlatform(wanted), formatPlatform(platform))
}

async function pullLayers(
  context: ImageContext,
  { repository, options }: Pull,
  { resolved, understood }: { readonly resolved: ResolvedManifest; readonly understood: Understood },
): Promise<readonly LayerRecord[]> {
  const diffIDs = understood.config.rootfs.diff_ids
  const chain = chainIDs(diffIDs)
  const { layers } = resolved.manifest
  const pullOneLayer = async (blob: Descriptor, index: number, signal: AbortSignal) => {
    const chainID = chain[index]
    const diffID = diffIDs[index]
    const transfer = { ...options, signal }
    if (understood.kind === 'layers' && chainID !== undefined && diffID !== undefined) {
      return pullLayer(context, repository, { layer: { blob, chainID, diffID }, options: transfer })
    }
    const fetched = await fetchOnly(context, repository, { blob, options: transfer })
    reporter(options, blob)(fetched ? 'pulled' : 'exists', blob.size)
    return undefined
  }
  const records = await inParallel(layers, pullOneLayer, { limit: PARALLEL_LAYERS, signal: options.signal })
  return records.filter((record) => record !== undefined)
}
