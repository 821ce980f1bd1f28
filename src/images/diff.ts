/** `image diff`: which files differ between two images, by what a container of each would see. */
import { createReadStream } from 'node:fs'
import type { Digest } from '../oci/digest.ts'
import { OCI_LAYER } from '../oci/media-types.ts'
import { blobPath } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { type FoundImage, findImage } from './find.ts'
import type { ListedEntry } from './layers/read-entries.ts'
import { openLease } from './leases.ts'
import { readContent } from './read-content.ts'
import { readLayers } from './records.ts'
import type { FileDifference } from './types.ts'

/** Everything of a file that matters but its times: two builds of the same content shall not differ in every file. */
interface FileState {
  readonly kind: string
  readonly sizeBytes: number
  readonly mode: number
  readonly owner: string
  /** Of the content, or the target of a link. */
  readonly content: string
}

type Tree = Map<string, FileState>

/**
 * Sorted by path; directories are not listed, what is in them is. Memory grows with the number of files, not their size.
 *
 * @throws {ImageNotFound}
 */
export async function diffImages(context: ImageContext, from: string, to: string): Promise<readonly FileDifference[]> {
  const [before, after] = [findImage(context.database, from), findImage(context.database, to)]
  using lease = openLease(context.database)
  lease.add('image', [before.id, after.id])
  if (before.id === after.id) return []
  const layers = new Map<Digest, Promise<LayerTree>>()
  const old = await treeOf(context, before, layers)
  const fresh = await treeOf(context, after, layers)
  const paths = [...new Set([...old.keys(), ...fresh.keys()])].toSorted()
  return paths.map((path) => compare(path, old.get(path), fresh.get(path))).filter((found) => found !== undefined)
}

function compare(
  path: string,
  before: FileState | undefined,
  after: FileState | undefined,
): FileDifference | undefined {
  const sizes = { sizeBefore: before?.sizeBytes ?? 0, sizeAfter: after?.sizeBytes ?? 0 }
  if (before === undefined) return { path, kind: 'added', ...sizes }
  if (after === undefined) return { path, kind: 'removed', ...sizes }
  const same = (['kind', 'sizeBytes', 'mode', 'owner', 'content'] as const).every((key) => before[key] === after[key])
  return same ? undefined : { path, kind: 'changed', ...sizes }
}

interface LayerTree {
  readonly files: Tree
  readonly directories: ReadonlySet<string>
  /** Paths a lower layer loses with everything below them. */
  readonly removed: ReadonlySet<string>
  /** Directories whose content in lower layers is hidden. */
  readonly opaque: ReadonlySet<string>
}

async function treeOf(context: ImageContext, image: FoundImage, known: Map<Digest, Promise<LayerTree>>): Promise<Tree> {
  if (image.kind !== 'layers') return moduleTree(context, image)
  const tree: Tree = new Map()
  for (const { blob } of readLayers(context.database, image.id)) {
    const reading = known.get(blob) ?? readLayer(blobPath(context.paths, blob))
    known.set(blob, reading)
    overlay(tree, await reading)
  }
  return tree
}

/** A program without a file system counts as one file for each blob. */
async function moduleTree(context: ImageContext, image: FoundImage): Promise<Tree> {
  const { manifest } = await readContent(context, image)
  return new Map(
    manifest.layers.map((layer, index) => [
      `/${layer.annotations?.['org.opencontainers.image.title'] ?? `layer-${index}`}`,
      { kind: layer.mediaType, sizeBytes: layer.size, mode: 0, owner: '', content: layer.digest },
    ]),
  )
}

/** Puts a layer over what is below it (image-spec, layer.md#applying-changesets). */
function overlay(tree: Tree, layer: LayerTree): void {
  for (const path of tree.keys()) {
    const above = parentsOf(path)
    const hidden =
      layer.removed.has(path) ||
      layer.directories.has(path) ||
      above.some((parent) => layer.removed.has(parent) || layer.opaque.has(parent) || layer.files.has(parent))
    if (hidden) tree.delete(path)
  }
  for (const [path, state] of layer.files) tree.set(path, state)
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(1, -1)
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)]
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'

async function readLayer(path: string): Promise<LayerTree> {
  const { readLayerEntries } = await import('./layers/read-entries.ts')
  const files: Tree = new Map()
  const directories = new Set<string>()
  const removed = new Set<string>()
  const opaque = new Set<string>()
  const blob = createReadStream(path, { highWaterMark: 1 << 19 })
  try {
    for await (const entry of readLayerEntries(blob, { mediaType: OCI_LAYER, withContent: true })) {
      const name = `/${entry.path}`
      const slash = name.lastIndexOf('/')
      const [parent, base] = [name.slice(0, slash), name.slice(slash + 1)]
      if (base === OPAQUE) opaque.add(parent === '' ? '/' : parent)
      else if (base.startsWith(WHITEOUT)) removed.add(`${parent}/${base.slice(WHITEOUT.length)}`)
      else if (entry.type === 'directory') directories.add(name)
      else files.set(name, stateOf(entry, files))
    }
  } finally {
    blob.destroy()
  }
  return { files, directories, removed, opaque }
}

function stateOf(entry: ListedEntry, files: Tree): FileState {
  const linked = entry.type === 'hardlink' ? files.get(`/${entry.linkPath}`) : undefined
  if (linked !== undefined) return linked
  const { type, mode, uid, gid, sizeBytes, linkPath, major, minor } = entry
  const content = entry.content ?? (type === 'symlink' || type === 'hardlink' ? linkPath : `${major}:${minor}`)
  return { kind: type, mode, owner: `${uid}:${gid}`, sizeBytes, content }
}
