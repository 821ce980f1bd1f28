/**
 * Reads files of an image's root file system while nothing is mounted: the layers are looked through as overlay would,
 * and symbolic links are followed inside that union only, so a hostile image cannot show a file of the host.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { followLinks, type LookedAt } from '../../util/follow-links.ts'

interface Found extends LookedAt {
  /** Host path in the top-most layer that has it. */
  readonly path: string
  /** Path inside the image, with the links resolved, without a slash in front. */
  readonly relative: string
  readonly stats: Stats
}

/**
 * @param layers - unpacked layers, top-most first
 * @param path - absolute inside the image
 * @returns undefined when it is missing, no regular file, or larger than `maxBytes`
 */
export function readLayerFile(layers: readonly string[], path: string, maxBytes: number): string | undefined {
  const found = findInLayers(layers, path)
  if (found === undefined || !found.stats.isFile() || found.stats.size > maxBytes) return undefined
  const descriptor = openSync(found.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!fstatSync(descriptor).isFile()) return undefined
    const buffer = Buffer.alloc(found.stats.size)
    let length = 0
    for (let count = -1; count !== 0 && length < buffer.length; length += count)
      count = readSync(descriptor, buffer, length, buffer.length - length, null)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * What the path is in the union of the layers; undefined when it does not exist.
 *
 * @param options.followLast - also follow a link that the path itself is (default)
 */
export function findInLayers(
  layers: readonly string[],
  path: string,
  { followLast = true }: { readonly followLast?: boolean } = {},
): Found | undefined {
  return followLinks(path, { lookAt: (relative) => lookUp(layers, relative), followLast })
}

/** The names in a directory of the union, links on the way followed. Empty when it is no directory. */
export function listInLayers(layers: readonly string[], path: string): readonly string[] {
  const directory = findInLayers(layers, path)
  if (directory === undefined || !directory.stats.isDirectory()) return []
  const relative = directory.relative
  const names = new Set<string>()
  for (const layer of layers) {
    const stats = lstatSync(join(layer, relative), { throwIfNoEntry: false })
    if (stats === undefined ? hidesBelow(layer, relative) : !stats.isDirectory()) break
    if (stats !== undefined) for (const name of readdirSync(join(layer, relative))) names.add(name)
  }
  return [...names].filter((name) => lookUp(layers, join(relative, name)) !== undefined)
}

/** `relative` holds no link but perhaps in its last part. A layer that hides a parent hides what is below in later layers. */
function lookUp(layers: readonly string[], relative: string): Found | undefined {
  for (const layer of layers) {
    const path = join(layer, relative)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats !== undefined) return isWhiteout(stats) ? undefined : foundAt(path, relative, stats)
    if (hidesBelow(layer, relative)) return undefined
  }
  return undefined
}

function foundAt(path: string, relative: string, stats: Stats): Found {
  const target = stats.isSymbolicLink() ? readlinkSync(path) : undefined
  return { path, relative, stats, target, isDirectory: stats.isDirectory() }
}

/** A parent that is whited out, or no directory, in this layer. */
function hidesBelow(layer: string, relative: string): boolean {
  const parts = relative.split('/')
  for (let depth = 1; depth < parts.length; depth += 1) {
    const stats = lstatSync(join(layer, ...parts.slice(0, depth)), { throwIfNoEntry: false })
    if (stats === undefined) return false
    if (!stats.isDirectory()) return true
  }
  return false
}

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0
}
