/** What `.dockerignore` leaves of a directory. */
import { readdirSync } from 'node:fs'
import { TYPE } from '../../archive/tree-sinks.ts'
import type { ByteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import type { DirectoryState, IgnoreMatcher } from '../ignore/matcher.ts'

export const textOf = (path: ByteString): string => Buffer.from(path, 'latin1').toString()

/** @returns whether the path is there; an ignored directory is when something in it is not ignored */
export function isVisible(
  ignore: IgnoreMatcher,
  path: ByteString,
  below: { readonly root: string; readonly isDirectory: boolean },
): boolean {
  if (path === '' || ignore.patterns.length === 0 || !ignore.ignores(textOf(path))) return true
  return below.isDirectory && holdsVisible(ignore, path, below.root)
}

function holdsVisible(ignore: IgnoreMatcher, directory: ByteString, root: string): boolean {
  if (!ignore.mayHoldExceptions(textOf(directory))) return false
  return readDirectory(root, directory).some(({ name, isDirectory }) =>
    isVisible(ignore, `${directory}/${name}`, { root, isDirectory }),
  )
}

export interface DirectoryEntry {
  readonly name: ByteString
  readonly isDirectory: boolean
}

/** In no order. Empty where there is none any more. */
export function readDirectory(root: string, path: ByteString): readonly DirectoryEntry[] {
  try {
    const entries = readdirSync(pathInside(root, path), { encoding: 'buffer', withFileTypes: true })
    return entries.map((entry) => ({ name: entry.name.toString('latin1'), isDirectory: entry.isDirectory() }))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

/** For calls of Node's: names need not be text. */
export const pathInside = (root: string, path: ByteString): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')])

interface Level {
  readonly path: ByteString
  readonly state: DirectoryState
}

/**
 * Passes on the entries of a walk that are there, with their whole paths.
 *
 * @param start - where the walk begins
 */
export function onlyVisible(
  ignore: IgnoreMatcher,
  start: ByteString,
  pass: (entry: TreeEntry) => void,
): (entry: TreeEntry) => void {
  if (ignore.patterns.length === 0) return pass
  /** Directories above the entry. */
  const above = levelsTo(ignore, start)
  let doubtful: TreeEntry[] = []
  const isIgnored = ({ path, mode }: TreeEntry): boolean => {
    if (path === '') return false
    while (above.length > 0 && !path.startsWith(`${above.at(-1)?.path}/`)) above.pop()
    const { isIgnored: answer, state } = ignore.match(textOf(path), above.at(-1)?.state)
    if ((mode & TYPE.mask) === TYPE.directory) above.push({ path, state })
    return answer
  }
  return (entry) => {
    if (doubtful.length > 0) doubtful = doubtful.filter((parent) => entry.path.startsWith(`${parent.path}/`))
    if (isIgnored(entry)) {
      if ((entry.mode & TYPE.mask) === TYPE.directory) doubtful.push(entry)
      return
    }
    for (const parent of doubtful) pass(parent)
    doubtful = []
    pass(entry)
  }
}

function levelsTo(ignore: IgnoreMatcher, start: ByteString): Level[] {
  const levels: Level[] = []
  for (let slash = start.indexOf('/'); slash !== -1; slash = start.indexOf('/', slash + 1)) {
    const path = start.slice(0, slash)
    levels.push({ path, state: ignore.match(textOf(path), levels.at(-1)?.state).state })
  }
  return levels
}
