/** Paths of the host that a copy begins or ends at. */
import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { CopyImpossible } from './errors.ts'
import { asksForContent, assertsDirectory, type CopyTarget } from './places.ts'

const MAX_LINKS = 40

/** Absolute; a slash or `/.` at its end stays. */
export function absolutePath(path: string): string {
  const absolute = resolve(path)
  if (asksForContent(path)) return absolute === '/' ? '/.' : `${absolute}/.`
  return assertsDirectory(path) && absolute !== '/' ? `${absolute}/` : absolute
}

/**
 * A link is followed to the end, also to what it says is there and is not.
 *
 * @throws {CopyImpossible} its parent is missing, or it is neither directory nor file
 */
export function localTarget(path: string): CopyTarget {
  let current = absolutePath(path)
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const plain = resolve(current)
    const stats = lstatOf(plain)
    if (stats === undefined) {
      checkParent(plain, path)
      return { path: current, kind: 'missing' }
    }
    if (stats.isDirectory()) return { path: realpathSync(plain), kind: 'directory' }
    if (stats.isFile()) return { path: current, kind: 'other' }
    if (!stats.isSymbolicLink())
      throw new CopyImpossible(`invalid output path: ${JSON.stringify(path)} must be a directory or a regular file`)
    current = resolve(dirname(plain), readlinkSync(plain))
  }
  throw new CopyImpossible(`too many symlinks in ${path}`)
}

function checkParent(plain: string, path: string): void {
  const parent = dirname(plain)
  const stats = statSync(parent, { throwIfNoEntry: false })
  if (stats === undefined)
    throw new CopyImpossible(`invalid output path: directory ${JSON.stringify(parent)} does not exist`)
  if (!stats.isDirectory()) throw new CopyImpossible(`${path}: not a directory`)
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new CopyImpossible(`lstat ${path}: ${code === 'ENOTDIR' ? 'not a directory' : String(code)}`, {
      cause: error,
    })
  }
}
