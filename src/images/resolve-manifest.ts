/** From a tag or digest of a registry to the one manifest that is meant, through at most two indexes. */
import type { Descriptor, Manifest, Platform } from '../oci/descriptor.ts'
import { isIndex, isManifest } from '../oci/media-types.ts'
import { canonicalName, tagOrDigest } from '../oci/reference.ts'
import type { ManifestAnswer, RegistryRepository } from '../registry/client.ts'
import { ManifestUnsupported, PlatformMissing } from './errors.ts'
import { parseIndex, parseManifest } from './manifest.ts'
import { availablePlatforms, choosePlatform, formatPlatform, hostPlatform } from './platform.ts'

export interface ResolvedManifest {
  readonly manifest: Manifest
  /** What the name stands for: an index, or the manifest itself. */
  readonly named: Descriptor
  /** The manifest. */
  readonly image: Descriptor
  /** All that was read on the way, outermost first. */
  readonly answers: readonly ManifestAnswer[]
}

/** An index of indexes is legal; deeper nesting is an attack or a mistake. */
const MAX_DEPTH = 3

/**
 * @throws {PlatformMissing} an index has nothing that suits
 * @throws {ManifestUnsupported} schema 1, or something unknown
 */
export async function resolveManifest(
  repository: RegistryRepository,
  options: { readonly wanted?: Platform | undefined; readonly signal?: AbortSignal | undefined },
): Promise<ResolvedManifest> {
  const name = canonicalName(repository.reference)
  const answers: ManifestAnswer[] = []
  let next = tagOrDigest(repository.reference)
  while (answers.length < MAX_DEPTH) {
    const answer = await repository.getManifest(next, options.signal)
    answers.push(answer)
    const { mediaType, digest } = answer.descriptor
    if (isManifest(mediaType)) {
      const named = answers[0]?.descriptor ?? answer.descriptor
      return { manifest: parseManifest(answer.bytes, digest), named, image: answer.descriptor, answers }
    }
    if (!isIndex(mediaType)) throw unsupported(name, mediaType)
    const { manifests } = parseIndex(answer.bytes, digest)
    const chosen = choosePlatform(manifests, options.wanted)
    if (chosen === undefined) {
      throw new PlatformMissing(name, formatPlatform(options.wanted ?? hostPlatform()), availablePlatforms(manifests))
    }
    next = chosen.digest
  }
  throw new ManifestUnsupported(`${name} nests indexes more than ${MAX_DEPTH - 1} deep`)
}

function unsupported(name: string, mediaType: string): ManifestUnsupported {
  if (mediaType.includes('manifest.v1')) {
    return new ManifestUnsupported(`${name} is a manifest of schema 1, which registries gave up in 2019`, {
      hint: 'have its owner push it again with a current tool',
    })
  }
  return new ManifestUnsupported(`${name} is of the unknown media type ${mediaType}`)
}
