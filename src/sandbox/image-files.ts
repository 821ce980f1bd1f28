/** The files of an image as the runner sees them: layers laid over each other, links followed inside of them only. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'

export interface ImageFiles {
  /** Follows links, never out of the image. */
  read(path: string): Buffer | undefined
  /** Every directory and file below the root, parents first; links show as what they lead to. */
  walk(): Generator<ImageFile>
}

export interface ImageFile {
  /** Absolute inside the image. */
  readonly path: string
  readonly directory: boolean
  readonly sizeBytes: number
  read(): Buffer
}

const MAX_LINKS = 40

/**
 * @param layers - unpacked directories, top-most first; one that is already merged is a list of one
 * @param readFile - for who needs no whole files
 */
export function openImageFiles(
  layers: readonly string[],
  readFile: (path: string) => Buffer = readFileSync,
): ImageFiles {
  const find = (path: string) => findInLayers(layers, path)
  return {
    read: (path) => {
      const found = resolve(find, path)
      return found?.stats.isFile() ? readFile(found.real) : undefined
    },
    walk: () => walk(layers, find, ''),
  }
}

interface Found {
  readonly path: string
  /** On the host. Every component of it has been looked at: none is a link. */
  readonly real: string
  readonly stats: Stats
}

type Find = (path: string) => Found | undefined

/** `path` is relative, and none of its parents is a link. A whiteout hides what is below it (overlayfs: device 0/0). */
function findInLayers(layers: readonly string[], path: string): Found | undefined {
  for (const layer of layers) {
    const hidden = parentsOf(path).some((parent) => isWhiteout(lstatOf(join(layer, parent))))
    const real = join(layer, path)
    const stats = hidden ? undefined : lstatOf(real)
    if (hidden || isWhiteout(stats)) return undefined
    if (stats !== undefined) return { path, real, stats }
  }
  return undefined
}

function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function isWhiteout(stats: Stats | undefined): boolean {
  return stats?.isCharacterDevice() === true && stats.rdev === 0
}

function lstatOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** Component by component: a link's target is walked again from the image's own root, and `..` stops there. */
function resolve(find: Find, path: string): Found | undefined {
  const todo = path.split('/').toReversed()
  let done: string[] = []
  let found = find('')
  for (let links = 0; todo.length > 0; ) {
    const part = todo.pop() ?? ''
    if (part === '' || part === '.') continue
    if (part === '..') {
      done.pop()
      found = find(done.join('/'))
      continue
    }
    found = find([...done, part].join('/'))
    if (found === undefined) return undefined
    if (!found.stats.isSymbolicLink()) {
      done.push(part)
      continue
    }
    if (++links > MAX_LINKS) return undefined
    const target = readlinkSync(found.real)
    if (target.startsWith('/')) done = []
    todo.push(...target.split('/').toReversed())
    found = find(done.join('/'))
  }
  return found
}

function* walk(layers: readonly string[], find: Find, directory: string): Generator<ImageFile> {
  for (const name of namesIn(layers, directory)) {
    const path = directory === '' ? name : `${directory}/${name}`
    const here = find(path)
    if (here === undefined) continue
    const link = here.stats.isSymbolicLink()
    const found = link ? resolve(find, path) : here
    if (found?.stats.isFile()) {
      yield { path: `/${path}`, directory: false, sizeBytes: found.stats.size, read: () => readFileSync(found.real) }
    } else if (found?.stats.isDirectory() && !link) {
      yield { path: `/${path}`, directory: true, sizeBytes: 0, read: () => Buffer.alloc(0) }
      yield* walk(layers, find, path)
    }
  }
}

/** Of every layer in which the directory is one, down to where a layer hides those below. */
function namesIn(layers: readonly string[], directory: string): string[] {
  const names = new Set<string>()
  for (const layer of layers) {
    const stats = lstatOf(join(layer, directory))
    if (stats === undefined) continue
    if (!stats.isDirectory()) break
    for (const name of readdirSync(join(layer, directory))) names.add(name)
  }
  return [...names].toSorted()
}
