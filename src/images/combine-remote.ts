/** Images of registries under one index, which is put where it is wanted: `imagetools create`. Nothing of it comes into the store. */
import { InvalidArgument } from '../errors.ts'
import type { Descriptor, Index } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, isIndex, OCI_INDEX } from '../oci/media-types.ts'
import { canonicalName, parseReference, type Reference, withDefaultTag } from '../oci/reference.ts'
import type { RegistryRepository } from '../registry/client.ts'
import { ManifestUnknown } from '../registry/errors.ts'
import type { ImageContext } from './context.ts'
import { ManifestUnsupported } from './errors.ts'
import { inParallel } from './in-parallel.ts'
import { parseIndex, parseManifest } from './manifest.ts'
import { normalisePlatform } from './platform.ts'
import { type RemoteHome, readRemote, readRemoteConfig } from './remote-content.ts'
import type { CombinedImage, CombineOptions } from './types.ts'

/** A manifest, and where it is. */
interface Part {
  readonly descriptor: Descriptor
  readonly repository: RegistryRepository
}

const MAX_DEPTH = 3
const BLOBS_AT_ONCE = 5

/** @throws {InvalidArgument} @throws {ManifestUnknown} @throws {ManifestUnsupported} */
export async function combineRemote(context: ImageContext, options: CombineOptions): Promise<CombinedImage> {
  const targets = options.tags.map(parseTarget)
  if (options.sources.length === 0) throw new InvalidArgument('no sources were named')
  if (targets.length === 0 && !options.dryRun)
    throw new InvalidArgument("can't push with no tags specified, please set --tag or --dry-run")
  const { signal } = options
  const sources: RemoteHome[] = []
  if (options.append) sources.push(...(await whatIsThere(context, options)))
  for (const source of options.sources) sources.push(await readRemote(context, source, signal))
  const { image, parts } = await combined(sources, options)
  if (options.dryRun) return image
  for (const target of targets) {
    options.onMessage?.(`pushing ${canonicalName(target)}`)
    const repository = context.registry.repository(target, 'push')
    for (const part of parts) await copyPart(part, repository, { signal, depth: 0 })
    await repository.putManifest(target.tag, image.bytes, image.descriptor.mediaType, signal)
  }
  return image
}

function parseTarget(text: string): Reference & { readonly tag: string } {
  const reference = withDefaultTag(parseReference(text))
  if (reference.digest !== undefined) throw new InvalidArgument(`cannot push to a digest: ${text}`)
  return { ...reference, tag: reference.tag ?? 'latest' }
}

/** What has the tags so far; one that is new has nothing. */
async function whatIsThere(context: ImageContext, { tags, signal }: CombineOptions): Promise<readonly RemoteHome[]> {
  const found: RemoteHome[] = []
  for (const tag of tags) {
    try {
      found.push(await readRemote(context, tag, signal))
    } catch (error) {
      if (!(error instanceof ManifestUnknown)) throw error
    }
  }
  return found
}

interface Combination {
  readonly image: CombinedImage
  /** What must be where it goes before it. */
  readonly parts: readonly Part[]
}

async function combined(
  sources: readonly RemoteHome[],
  { preferIndex, append, signal }: CombineOptions,
): Promise<Combination> {
  const [only, second] = sources
  // What is an index already, or need not become one, stays what it is, byte for byte.
  if (only !== undefined && second === undefined && !append && (only.manifests !== undefined || !preferIndex)) {
    const { repository, descriptor, bytes, manifests } = only
    const parts = (manifests ?? [descriptor]).map((one) => ({ descriptor: one, repository }))
    return { image: { descriptor, bytes }, parts }
  }
  const parts = new Map<string, Part>()
  for (const source of sources)
    for (const part of await partsOf(source, signal))
      if (!parts.has(part.descriptor.digest)) parts.set(part.descriptor.digest, part)
  return { image: indexOf([...parts.values()].map(({ descriptor }) => descriptor)), parts: [...parts.values()] }
}

async function partsOf(
  { repository, descriptor, bytes, manifests }: RemoteHome,
  signal: AbortSignal | undefined,
): Promise<readonly Part[]> {
  if (manifests !== undefined) return manifests.map((one) => ({ descriptor: one, repository }))
  const config = await readRemoteConfig(repository, bytes, signal)
  if (config === undefined) return [{ descriptor, repository }]
  const { os, architecture, variant } = config
  const platform = normalisePlatform({ os, architecture, ...(variant !== undefined && { variant }) })
  return [{ descriptor: { ...descriptor, platform }, repository }]
}

/** docker's own type where all in it are of docker's types. */
function indexOf(manifests: readonly Descriptor[]): CombinedImage {
  const isDockers = manifests.every(({ mediaType }) => mediaType === DOCKER_MANIFEST)
  const mediaType = isDockers ? DOCKER_LIST : OCI_INDEX
  const index: Index = { schemaVersion: 2, mediaType, manifests }
  const bytes = Buffer.from(JSON.stringify(index, undefined, 2))
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } }
}

/** A manifest with all that it names, from one repository to another. */
async function copyPart(
  { descriptor, repository: from }: Part,
  to: RegistryRepository,
  { signal, depth }: { readonly signal: AbortSignal | undefined; readonly depth: number },
): Promise<void> {
  const { registry, repository } = from.reference
  if (registry === to.reference.registry && repository === to.reference.repository) return
  if (depth > MAX_DEPTH) throw new ManifestUnsupported(`${canonicalName(from.reference)} nests indexes too deep`)
  const { bytes, descriptor: found } = await from.getManifest(descriptor.digest, signal)
  if (isIndex(found.mediaType)) {
    for (const one of parseIndex(bytes, found.digest).manifests)
      await copyPart({ descriptor: one, repository: from }, to, { signal, depth: depth + 1 })
  } else {
    const { config, layers } = parseManifest(bytes, found.digest)
    const blobs = [...new Map([config, ...layers].map((blob) => [blob.digest, blob])).values()]
    const mountFrom = registry === to.reference.registry ? [repository] : []
    const push = async (blob: Descriptor, _: number, stop: AbortSignal) => {
      const open = (offset: number) => from.getBlob(blob, { offset, signal: stop })
      await to.pushBlob(blob, open, { mountFrom, signal: stop })
    }
    await inParallel(blobs, push, { limit: BLOBS_AT_ONCE, signal })
  }
  await to.putManifest(found.digest, bytes, found.mediaType, signal)
}
