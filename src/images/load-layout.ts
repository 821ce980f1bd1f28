/** The OCI layout of an archive: from `index.json` to images. */
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isIndex, isManifest } from '../oci/media-types.ts'
import { parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import { storeVerified } from './blobs.ts'
import type { Commit } from './commit.ts'
import type { ImageContext } from './context.ts'
import { ArchiveInvalid, PlatformMissing } from './errors.ts'
import { readDockerManifest } from './load-docker.ts'
import { parseIndex, parseManifest } from './manifest.ts'
import { availablePlatforms, choosePlatform, formatPlatform, isAttestation, parsePlatform } from './platform.ts'
import type { Archive } from './read-archive.ts'
import type { ImageName } from './records.ts'
import { adopt, readSpooled } from './spool.ts'
import { type Loading, storeLoaded } from './store-loaded.ts'
import { layoutPath } from './write-tar.ts'

const MAX_DEPTH = 3

/** Stores the content of every image the index names; nothing is an image yet. */
export async function loadLayout(context: ImageContext, loading: Loading): Promise<readonly Commit[]> {
  const { archive } = loading
  const index = parseIndex(await readFile(archive, 'index.json'), 'index.json')
  const dockerNames = await namesByConfig(archive)
  const commits: Commit[] = []
  for (const entry of index.manifests.filter((one) => !isAttestation(one))) {
    const { manifests, group } = await imagesOf(loading, entry)
    const also = group === undefined ? [] : await storeGroup(context, loading, group)
    for (const descriptor of manifests) {
      const find = (blob: Descriptor) => archive.find(layoutPath(blob))
      const bytes = await readFile(archive, layoutPath(descriptor))
      const commit = await storeLoaded(context, loading, { descriptor, bytes, find })
      const given = namesOf(entry)
      const names = given.length > 0 ? given : (dockerNames.get(commit.manifest.config.digest) ?? [])
      const grouped = group === undefined ? {} : { index: group.index.digest }
      merge(commits, { ...commit, also, names: names.map((name) => ({ ...name, ...grouped })) })
    }
  }
  if (commits.length === 0) throw new ArchiveInvalid('the archive holds no image')
  return commits
}

async function readFile(archive: Archive, path: string): Promise<Buffer> {
  const found = archive.find(path)
  if (found === undefined) throw new ArchiveInvalid(`the archive lacks ${path}`)
  return readSpooled(found, path)
}

/** One image under several names stands once in the list. */
function merge(commits: Commit[], commit: Commit): void {
  const at = commits.findIndex(({ understood }) => understood.id === commit.understood.id)
  const before = commits[at]
  if (before === undefined) commits.push(commit)
  else commits[at] = { ...before, names: [...before.names, ...commit.names] }
}

interface Entry {
  readonly manifests: readonly Descriptor[]
  /** What holds several of them together. */
  readonly group: Group | undefined
}

interface Group {
  readonly index: Descriptor
  readonly bytes: Uint8Array
  /** Manifests beside the images. */
  readonly extra: readonly Descriptor[]
}

/** An index stands for all of its images that are in the archive, unless one platform is asked for. */
async function imagesOf(loading: Loading, entry: Descriptor): Promise<Entry> {
  const { archive, options } = loading
  const one = async (): Promise<Entry> => ({ manifests: [await manifestOf(loading, entry)], group: undefined })
  if (!isIndex(entry.mediaType) || options.platform !== undefined) return one()
  const bytes = await readFile(archive, layoutPath(entry))
  const { manifests } = parseIndex(bytes, entry.digest)
  const present = manifests.filter((manifest) => archive.find(layoutPath(manifest)) !== undefined)
  const images = present.filter((manifest) => !isAttestation(manifest))
  const isWhole = present.length === manifests.length
  if (
    images.length === 0 ||
    (images.length === 1 && !isWhole) ||
    !images.every(({ mediaType }) => isManifest(mediaType))
  )
    return one()
  const { mediaType, digest, size } = entry
  const unique = [...new Map(images.map((image) => [image.digest, image])).values()]
  return {
    manifests: unique,
    group: { index: { mediaType, digest, size }, bytes, extra: present.filter(isAttestation) },
  }
}

/** @returns what is to be kept with the images */
async function storeGroup(
  context: ImageContext,
  { archive, lease }: Loading,
  { index, bytes, extra }: Group,
): Promise<readonly Digest[]> {
  lease.add('blob', [index.digest])
  await storeVerified(context.paths, index, bytes)
  const kept = [index.digest]
  for (const descriptor of extra) {
    const manifest = parseManifest(await readFile(archive, layoutPath(descriptor)), descriptor.digest)
    for (const blob of [descriptor, manifest.config, ...manifest.layers]) {
      const found = archive.find(layoutPath(blob))
      if (found === undefined) continue // what is not whole is not pushed as a whole
      lease.add('blob', [blob.digest])
      await adopt(context.paths, found, blob)
      kept.push(blob.digest)
    }
  }
  return kept
}

/** The manifest that an entry stands for, through indexes, for the platform asked for or the host's. */
async function manifestOf(loading: Loading, entry: Descriptor, depth = 0): Promise<Descriptor> {
  if (isManifest(entry.mediaType)) return entry
  if (!isIndex(entry.mediaType) || depth >= MAX_DEPTH) {
    throw new ArchiveInvalid(`the archive holds something of the unknown type ${entry.mediaType}`)
  }
  const { archive, options } = loading
  const { manifests } = parseIndex(await readFile(archive, layoutPath(entry)), entry.digest)
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform)
  // An archive may list all platforms of an image but hold only the one that was pulled.
  const present = manifests.filter((one) => !isAttestation(one) && archive.find(layoutPath(one)) !== undefined)
  const chosen = choosePlatform(present, wanted) ?? (wanted === undefined ? present[0] : undefined)
  if (chosen === undefined) {
    throw new PlatformMissing('the archive', wanted ? formatPlatform(wanted) : 'any', availablePlatforms(present))
  }
  return manifestOf(loading, chosen, depth + 1)
}

/** docker and containerd write the whole name beside the tag; podman and skopeo write the whole name as the reference. */
function namesOf({ annotations = {} }: Descriptor): readonly ImageName[] {
  const short = annotations['org.opencontainers.image.ref.name']
  const isWhole = short?.includes('/') === true || short?.includes(':') === true
  const text = annotations['io.containerd.image.name'] ?? (isWhole ? short : undefined)
  if (text === undefined) return []
  const { tag, ...reference } = withDefaultTag(parseReference(text))
  return tag === undefined ? [] : [{ repository: repositoryName(reference), tag }]
}

async function namesByConfig(archive: Archive): Promise<ReadonlyMap<string, readonly ImageName[]>> {
  const names = new Map<string, readonly ImageName[]>()
  if (archive.find('manifest.json') === undefined) return names
  for (const { configPath, tags } of await readDockerManifest(archive)) {
    const config = archive.find(configPath)
    if (config !== undefined) names.set(config.digest, tags)
  }
  return names
}
