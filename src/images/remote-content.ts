/** What a name stands for in a registry, as it is there: an index, or the manifest of one image. */
import type { ImageConfig } from '../oci/descriptor.ts'
import { isIndex } from '../oci/media-types.ts'
import { canonicalName, parseReference, type Reference, tagOrDigest, withDefaultTag } from '../oci/reference.ts'
import type { RegistryRepository } from '../registry/client.ts'
import type { ImageContext } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { parseConfig, parseIndex, parseManifest } from './manifest.ts'
import { formatPlatform, isAttestation, normalisePlatform } from './platform.ts'
import { readSmall } from './read-small.ts'
import type { RemoteContent } from './types.ts'

export interface RemoteHome extends RemoteContent {
  readonly reference: Reference
  readonly repository: RegistryRepository
}

/** @throws {ManifestUnknown} @throws {InvalidArgument} @throws {ManifestInvalid} */
export async function readRemote(context: ImageContext, text: string, signal?: AbortSignal): Promise<RemoteHome> {
  const reference = withDefaultTag(parseReference(text))
  const repository = context.registry.repository(reference, 'pull')
  const { descriptor, bytes } = await repository.getManifest(tagOrDigest(reference), signal)
  const manifests = isIndex(descriptor.mediaType) ? parseIndex(bytes, descriptor.digest).manifests : undefined
  return { name: canonicalName(reference), descriptor, bytes, manifests, reference, repository }
}

/** The config of an image; undefined: the manifest is of something else. */
export async function readRemoteConfig(
  repository: RegistryRepository,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<ImageConfig | undefined> {
  const { config } = parseManifest(bytes, repository.reference.repository)
  if (!/(?:image\.config|container\.image)\.v1\+json$/.test(config.mediaType)) return undefined
  return parseConfig(await readSmall(repository, config, signal), config.digest)
}

const AT_ONCE = 5

/**
 * Configs by their platforms.
 *
 * @returns of a manifest its own, under the empty name
 */
export async function remoteConfigs(
  context: ImageContext,
  text: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ImageConfig>> {
  const { repository, manifests, bytes } = await readRemote(context, text, signal)
  const entries = manifests?.filter((entry) => !isAttestation(entry))
  const found = await inParallel(
    entries ?? [undefined],
    async (entry, _, stop) => {
      const own = entry === undefined ? bytes : (await repository.getManifest(entry.digest, stop)).bytes
      const config = await readRemoteConfig(repository, own, stop)
      const platform = entry && formatPlatform(normalisePlatform(entry.platform ?? { os: '', architecture: '' }))
      return config === undefined ? [] : ([[platform ?? '', config]] as const)
    },
    { limit: AT_ONCE, signal },
  )
  return new Map(found.flat())
}
