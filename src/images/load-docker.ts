/** What `docker save` wrote before version 25: `manifest.json`, configs and layers by path. */
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { DOCKER_CONFIG, DOCKER_MANIFEST, layerType, OCI_CONFIG, OCI_MANIFEST } from '../oci/media-types.ts'
import { parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import type { Commit } from './commit.ts'
import type { ImageContext } from './context.ts'
import { ArchiveInvalid } from './errors.ts'
import { isObject } from './manifest.ts'
import type { Archive } from './read-archive.ts'
import type { ImageName } from './records.ts'
import { examineLayer, readSpooled, type Spooled } from './spool.ts'
import { type Loading, storeLoaded } from './store-loaded.ts'

export interface DockerEntry {
  readonly configPath: string
  readonly layerPaths: readonly string[]
  readonly tags: readonly ImageName[]
}

/** Stores the content of every image; nothing is an image yet. The config keeps its bytes, so the image keeps its id. */
export async function loadDockerImages(context: ImageContext, loading: Loading): Promise<readonly Commit[]> {
  const commits: Commit[] = []
  for (const { configPath, layerPaths, tags } of await readDockerManifest(loading.archive)) {
    const files = new Map<Digest, Spooled>()
    const take = (path: string): Spooled => {
      const found = loading.archive.find(path)
      if (found === undefined) throw new ArchiveInvalid(`the archive lacks ${path}`)
      files.set(found.digest, found)
      return found
    }
    const config = descriptorOf(take(configPath), OCI_CONFIG)
    const layers: Descriptor[] = []
    for (const path of layerPaths) {
      const layer = take(path)
      const { compression } = await examineLayer(layer)
      layers.push(descriptorOf(layer, layerType(compression)))
    }
    const { descriptor, bytes } = makeManifest(config, layers)
    const find = (blob: Descriptor) => files.get(blob.digest)
    commits.push({
      ...(await storeLoaded(context, loading, { descriptor, bytes, find })),
      names: tags,
      synthetic: true,
    })
  }
  if (commits.length === 0) throw new ArchiveInvalid('the archive holds no image')
  return commits
}

const descriptorOf = (file: Spooled, mediaType: string): Descriptor => ({
  mediaType,
  digest: file.digest,
  size: file.sizeBytes,
})

/** A manifest of our own for content that came without one; of docker's kind where its config is. */
export function makeManifest(
  config: Descriptor,
  layers: readonly Descriptor[],
  annotations: Readonly<Record<string, string>> = {},
): { descriptor: Descriptor; bytes: Buffer } {
  const mediaType = config.mediaType === DOCKER_CONFIG ? DOCKER_MANIFEST : OCI_MANIFEST
  const noted = Object.keys(annotations).length > 0 && { annotations }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers, ...noted }))
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength }, bytes }
}

/** @throws {ArchiveInvalid} there is none, or it is malformed */
export async function readDockerManifest(archive: Archive): Promise<readonly DockerEntry[]> {
  const file = archive.find('manifest.json')
  if (file === undefined) {
    throw new ArchiveInvalid('the archive is no image: it has neither index.json nor manifest.json', {
      hint: 'a file system without an image around it is for `coracle import`',
    })
  }
  const malformed = (options?: ErrorOptions) => new ArchiveInvalid('manifest.json of the archive is malformed', options)
  let entries: unknown
  try {
    entries = JSON.parse((await readSpooled(file, 'manifest.json')).toString('utf8'))
  } catch (error) {
    throw error instanceof SyntaxError ? malformed({ cause: error }) : error
  }
  if (!Array.isArray(entries)) throw malformed()
  return entries.map((entry: unknown) => {
    if (!isObject(entry) || typeof entry['Config'] !== 'string' || !isTexts(entry['Layers'])) throw malformed()
    const tags = entry['RepoTags'] ?? []
    if (!isTexts(tags)) throw malformed()
    return { configPath: entry['Config'], layerPaths: entry['Layers'], tags: tags.map(nameOf) }
  })
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

function nameOf(text: string): ImageName {
  const reference = withDefaultTag(parseReference(text))
  return { repository: repositoryName(reference), tag: reference.tag ?? 'latest' }
}
