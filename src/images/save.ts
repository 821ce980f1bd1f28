/** `save`: one tar that is an OCI layout and what `docker load` has always read, as docker 25 and later write it. */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isIndex, OCI_INDEX } from '../oci/media-types.ts'
import { familiarName, parseReference, type Reference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import { blobPath, readBlob, sizeOf } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { BlobMissing } from './errors.ts'
import { type FoundImage, findImage, taggedAs } from './find.ts'
import { openLease } from './leases.ts'
import { parsePlatform } from './platform.ts'
import { readContent } from './read-content.ts'
import type { ExactImage } from './types.ts'
import { contentOf, findWholeIndex } from './whole-index.ts'
import { type ArchiveFile, layoutPath, memoryFile, writeTar } from './write-tar.ts'

export interface SaveOptions {
  readonly platform?: string
  readonly exact?: ExactImage
  readonly signal?: AbortSignal
}

/** An image with the names it is saved under; none when it was named by its id. */
interface Saved {
  readonly image: FoundImage
  /** As it was first named. */
  readonly name: string
  readonly tags: Reference[]
}

/**
 * Writes the archive; the caller ends `output`. Everything is looked up before the first byte is written.
 *
 * @throws {ImageNotFound} one of the names
 */
export async function saveImages(
  context: ImageContext,
  names: readonly string[],
  { output, ...options }: SaveOptions & { readonly output: NodeJS.WritableStream },
): Promise<void> {
  await withSaved(context, names, options, async (content) => {
    const source = Readable.from(writeTar(filesOf(content)), { objectMode: false })
    await pipeline(source, output, { end: false, ...(options.signal && { signal: options.signal }) })
  })
}

/** What an archive of images is made of. */
export interface SavedContent {
  readonly blobs: readonly ArchiveFile[]
  /** What `index.json` lists. */
  readonly index: readonly Descriptor[]
  /** The documents that docker has always read. */
  readonly docker: { readonly manifest: unknown; readonly repositories: unknown }
}

/** Nothing of it goes away meanwhile. @throws {ImageNotFound} one of the names */
export async function withSaved(
  context: ImageContext,
  names: readonly string[],
  options: SaveOptions,
  work: (content: SavedContent) => Promise<void>,
): Promise<void> {
  const saved = new Map<Digest, Saved>()
  if (options.exact !== undefined) addExact(context, saved, { exact: options.exact, names })
  else for (const name of names) addByName(context, saved, { name, options })
  using lease = openLease(context.database)
  for (const { image, name } of saved.values()) lease.add('image', taggedAs(context.database, image, name).ids)
  await work(await contentFor(context, [...saved.values()], options))
}

/** A repository without a tag stands for all of its tags. */
function addByName(
  context: ImageContext,
  saved: Map<Digest, Saved>,
  { name, options }: { readonly name: string; readonly options: SaveOptions },
): void {
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform)
  const add = (one: string) => {
    const image = findImage(context.database, one, platform)
    const entry = saved.get(image.id) ?? { image, name: one, tags: [] }
    saved.set(image.id, entry)
    if (image.reference?.tag !== undefined && image.reference.digest === undefined) entry.tags.push(image.reference)
  }
  const tags = allTagsOf(context, name)
  if (tags.length === 0) add(name)
  for (const tag of tags) add(tag)
}

function addExact(
  { database }: ImageContext,
  saved: Map<Digest, Saved>,
  { exact, names }: { readonly exact: ExactImage; readonly names: readonly string[] },
): void {
  const { id, target } = exact
  const found = findImage(database, id)
  const image = isIndex(target.mediaType) ? found : { ...found, manifest: target }
  saved.set(image.id, { image, name: id, tags: names.map((name) => withDefaultTag(parseReference(name))) })
}

function allTagsOf({ database }: ImageContext, name: string): readonly string[] {
  if (/[@]|:[^/]*$/.test(name) || /^[0-9a-f]{64}$/.test(name)) return []
  const repository = repositoryName(parseReference(name))
  const rows = database.prepare('SELECT DISTINCT tag FROM image_tags WHERE repository = ? ORDER BY tag').all(repository)
  return rows.map((row) => `${repository}:${row['tag']}`)
}

async function contentFor(
  context: ImageContext,
  saved: readonly Saved[],
  { platform, exact }: SaveOptions,
): Promise<SavedContent> {
  const blobs = new Map<string, ArchiveFile>()
  const index: Descriptor[] = []
  const docker: unknown[] = []
  const repositories: Record<string, Record<string, string>> = {}
  for (const { image, name, tags } of saved) {
    const { manifest } = await readContent(context, image)
    await readBlob(context.paths, manifest.config.digest, image.id) // its file is what goes out, not what is known of it
    // An index goes as a whole, if it is here as a whole; what knows no index sees the image of this host.
    const isWhole = exact === undefined ? platform === undefined : isIndex(exact.target.mediaType)
    const whole = isWhole ? await findWholeIndex(context, image, name) : undefined
    const content = whole ?? (await contentOf(context, [image.manifest]))
    for (const blob of [...content.manifests, ...content.blobs])
      blobs.set(blob.digest, await blobFile(context, image.id, blob))
    index.push(...indexEntries(whole?.index ?? describedManifest(image), tags))
    docker.push({
      Config: layoutPath(manifest.config),
      RepoTags: tags.length === 0 ? null : tags.map(familiarName),
      Layers: manifest.layers.map(layoutPath),
    })
    for (const tag of tags) {
      const name = familiarName({ registry: tag.registry, repository: tag.repository })
      repositories[name] = {
        ...repositories[name],
        [tag.tag ?? 'latest']: (manifest.layers.at(-1)?.digest ?? '').slice(7),
      }
    }
  }
  return { blobs: [...blobs.values()], index, docker: { manifest: docker, repositories } }
}

function filesOf({ blobs, index, docker }: SavedContent): readonly ArchiveFile[] {
  return [
    ...blobs.toSorted((one, other) => (one.path < other.path ? -1 : 1)),
    memoryFile('index.json', JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: index })),
    memoryFile('manifest.json', JSON.stringify(docker.manifest)),
    memoryFile('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })),
    memoryFile('repositories', JSON.stringify(docker.repositories)),
  ]
}

function describedManifest({ manifest, platform }: FoundImage): Descriptor {
  const { os, architecture, variant } = platform
  return { ...manifest, platform: { os, architecture, ...(variant !== undefined && { variant }) } }
}

function indexEntries(descriptor: Descriptor, tags: readonly Reference[]): readonly Descriptor[] {
  if (tags.length === 0) return [descriptor]
  const { platform, ...described } = descriptor
  return tags.map((tag) => ({
    ...described,
    annotations: {
      'io.containerd.image.name': `${repositoryName(tag)}:${tag.tag}`,
      'org.opencontainers.image.ref.name': tag.tag ?? 'latest',
    },
    ...(platform !== undefined && { platform }),
  }))
}

async function blobFile({ paths }: ImageContext, image: Digest, blob: Descriptor): Promise<ArchiveFile> {
  const path = blobPath(paths, blob.digest)
  if ((await sizeOf(path)) !== blob.size) throw new BlobMissing(blob.digest, image)
  return {
    path: layoutPath(blob),
    sizeBytes: blob.size,
    open: () => createReadStream(path, { highWaterMark: 1 << 20 }),
  }
}
