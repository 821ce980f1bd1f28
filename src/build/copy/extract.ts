/** A tar archive over the layers, as ADD unpacks it: links on the way to a file are followed, a node replaces what is there. */
import { extractTar } from '../../archive/extract-tar.ts'
import { findInLayers } from '../../containers/spec/layer-files.ts'
import { opaqueAttribute } from '../../images/layers/apply-entry.ts'
import type { Applier, ByteString } from '../../linux/apply.ts'
import { type Archive, openArchive } from './archive-kind.ts'
import { type Landing, type Owner, parentOf, resolveInLayers, textOf } from './landing.ts'

export interface ExtractOptions {
  readonly applier: Applier
  readonly landing: Landing
  readonly lower: readonly string[]
  /** What the applier's directory is the upper one of; empty: nothing, or not yet. */
  readonly below: readonly string[]
  /** The directory to unpack into, without links. */
  readonly base: ByteString
  /** undefined: as the archive says. */
  readonly owner: Owner | undefined
  readonly signal: AbortSignal
}

export async function extractOver(
  archive: Archive,
  { applier, landing, lower, below, base, owner, signal }: ExtractOptions,
): Promise<void> {
  const places = new Map<ByteString, ByteString>([['', base]])
  const placeOf = (path: ByteString): ByteString => {
    const known = places.get(path)
    if (known !== undefined) return known
    const parent = placeOf(parentOf(path))
    const name = path.slice(path.lastIndexOf('/') + 1)
    const place = resolveInLayers(lower, textOf(parent === '' ? name : `${parent}/${name}`))
    places.set(path, place)
    return place
  }
  /** The node itself is not followed: it replaces a link. */
  const place = (path: ByteString): ByteString | undefined => {
    if (path === '') return undefined
    const parent = placeOf(parentOf(path))
    landing.directory(parent)
    const name = path.slice(path.lastIndexOf('/') + 1)
    return parent === '' ? name : `${parent}/${name}`
  }
  const owned = owner === undefined ? applier : withOwner(applier, owner)
  const noting = noteAll(owned, { landing, below })
  const notedPlace = (path: ByteString) => {
    const found = place(path)
    if (found !== undefined) places.set(path, found)
    return found
  }
  const stream = openArchive(archive)
  try {
    await extractTar(stream, noting, { place: notedPlace, onBytes: () => {}, signal })
  } finally {
    stream.destroy()
  }
}

/** A directory in place of what has replaced one of the layers below does not bring back what that one holds. */
function noteAll(applier: Applier, { landing, below }: Pick<ExtractOptions, 'landing' | 'below'>): Applier {
  const others = new Set<ByteString>()
  const hides = (path: ByteString) =>
    (others.delete(path) || landing.kindOf(path) === 'other') &&
    findInLayers(below, textOf(path), { followLast: false })?.stats.isDirectory() === true
  return {
    ...applier,
    directory: (path, attributes) => {
      if (hides(path)) {
        applier.remove(path)
        applier.whiteout(path, opaqueAttribute())
      }
      landing.note(path, true)
      applier.directory(path, attributes)
    },
    file: (path, attributes, size) => {
      others.add(path)
      applier.file(path, attributes, size)
    },
    symlink: (path, target, attributes) => {
      others.add(path)
      applier.symlink(path, target, attributes)
    },
    hardLink: (path, target) => {
      others.add(path)
      applier.hardLink(path, target)
    },
    node: (path, attributes, device) => {
      others.add(path)
      applier.node(path, attributes, device)
    },
  }
}

/** All that it makes belongs to this one. */
export function withOwner(applier: Applier, { uid, gid }: Owner): Applier {
  return {
    ...applier,
    directory: (path, attributes) => applier.directory(path, { ...attributes, uid, gid }),
    file: (path, attributes, size) => applier.file(path, { ...attributes, uid, gid }, size),
    symlink: (path, target, attributes) => applier.symlink(path, target, { ...attributes, uid, gid }),
    node: (path, attributes, device) => applier.node(path, { ...attributes, uid, gid }, device),
  }
}
