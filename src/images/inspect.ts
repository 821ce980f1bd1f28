/** `image inspect`, of the store and of a registry: docker's JSON. */
import type { Descriptor } from '../oci/descriptor.ts'
import { canonicalName, familiarName, parseReference, withDefaultTag } from '../oci/reference.ts'
import type { ImageContext } from './context.ts'
import { findImage } from './find.ts'
import { kindOf, understand } from './kind.ts'
import { parsePlatform } from './platform.ts'
import { type ImageContent, readContent } from './read-content.ts'
import { readSmall } from './read-small.ts'
import { type ImageRecord, readLayers, readNames } from './records.ts'
import { resolveManifest } from './resolve-manifest.ts'
import type { ImageInspect } from './types.ts'

/** @throws {ImageNotFound} */
export async function inspectImage(context: ImageContext, name: string, platform?: string): Promise<ImageInspect> {
  const image = findImage(context.database, name, platform === undefined ? undefined : parsePlatform(platform))
  const content = await readContent(context, image)
  return {
    ...describe(content, image.manifest),
    ...namesOf(context, image),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: { Name: 'overlay2', Data: graphData(context, image) },
    Metadata: { LastTagTime: lastTagTime(context, image) },
  }
}

/**
 * The same of an image that is not in the store; reads manifests and the config, no layer. Sizes are those of the
 * compressed layers, because nobody has unpacked them.
 */
export async function inspectRemote(context: ImageContext, name: string, platform?: string): Promise<ImageInspect> {
  const reference = withDefaultTag(parseReference(name))
  const repository = context.registry.repository(reference, 'pull')
  const wanted = platform === undefined ? undefined : parsePlatform(platform)
  const { manifest, named, image } = await resolveManifest(repository, { wanted })
  const kind = kindOf(manifest, canonicalName(reference))
  const config = await readSmall(repository, manifest.config)
  const understood = understand(manifest, kind, { manifest: image.digest, config })
  const size = manifest.layers.reduce((sum, layer) => sum + layer.size, 0)
  const { registry, repository: path, tag } = reference
  return {
    ...describe({ manifest, understood }, image),
    RepoTags: tag === undefined ? [] : [familiarName({ registry, repository: path, tag })],
    RepoDigests: [familiarName({ registry, repository: path, digest: named.digest })],
    Size: size,
    VirtualSize: size,
  }
}

/** What follows from manifest and config alone. */
function describe({ manifest, understood }: ImageContent, descriptor: Descriptor): ImageInspect {
  const { config, platform } = understood
  const layers = understood.kind === 'layers' ? config.rootfs.diff_ids : manifest.layers.map((layer) => layer.digest)
  return {
    Id: understood.id,
    RepoTags: [],
    RepoDigests: [],
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: '',
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: platform.architecture,
    ...(platform.variant !== undefined && { Variant: platform.variant }),
    Os: platform.os,
    Size: 0,
    VirtualSize: 0,
    GraphDriver: { Name: 'overlay2', Data: null },
    RootFS: { Type: 'layers', Layers: layers },
    Metadata: { LastTagTime: NEVER },
    Descriptor: { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size },
  }
}

/** Go's zero time, as docker prints it. */
const NEVER = '0001-01-01T00:00:00Z'

function namesOf(context: ImageContext, image: ImageRecord): Pick<ImageInspect, 'RepoTags' | 'RepoDigests'> {
  const names = readNames(context.database, image.id)
  return {
    RepoTags: names
      .filter(({ tag }) => tag !== undefined)
      .map(({ repository, tag }) => familiar(`${repository}:${tag}`)),
    RepoDigests: names
      .filter(({ digest }) => digest !== undefined)
      .map(({ repository, digest }) => familiar(`${repository}@${digest}`)),
  }
}

const familiar = (canonical: string): string => familiarName(parseReference(canonical))

function graphData(context: ImageContext, image: ImageRecord): Readonly<Record<string, string>> | null {
  const [top, ...lower] = readLayers(context.database, image.id)
    .map(({ chainID }) => context.snapshots.path(chainID))
    .toReversed()
  if (top === undefined) return null
  return { ...(lower.length > 0 && { LowerDir: lower.join(':') }), UpperDir: top }
}

function lastTagTime(context: ImageContext, image: ImageRecord): string {
  const row = context.database
    .prepare('SELECT max(tagged_at_ms) AS latest FROM image_tags WHERE image_id = ?')
    .get(image.id)
  return row?.['latest'] == null ? NEVER : new Date(Number(row['latest'])).toISOString()
}
