/**
 * The only way from a path to a file. It goes one component at a time, over handles that stay on what they were opened on;
 * `..` goes back to the handle it came from and never asks the kernel. So a path leaves the directory it starts in by no
 * link, no `..`, and nothing that another process does meanwhile. Where such a walk has come to may be remembered (ways.ts).
 */
import { noteRefusal } from '../refusals.ts'
import { FILE_TYPE } from './abi.ts'
import { codeOf, Refusal } from './errno.ts'
import type { Directory, FileStatus } from './files.ts'

export interface Place {
  /** Valid until `withPlace` ends; whoever keeps it duplicates it. */
  readonly directory: Directory
  /** A component of it, there or not; nothing when the path leads to the directory itself, as `.` does. */
  readonly name: string | undefined
  /** A slash at the end: it is a directory or nothing. */
  readonly wantsDirectory: boolean
  /** What was there a moment ago, when the walk has looked. */
  readonly seen?: FileStatus | undefined
  /** Or it has looked, and there was nothing. */
  readonly isMissing?: boolean
}

export interface WalkOptions {
  readonly path: string
  /**
   * What becomes of a link at the very end: followed, followed before a slash only, or kept in any case; or followed only when what
   * follows no links has failed because of it. In between all are followed.
   */
  readonly end: 'follow' | 'slash' | 'keep' | 'late'
  /** Where absolute links lead; without it they lead out, and are refused. */
  readonly linkRoot?: Directory | undefined
  /** What the module calls the directory it starts in; unknown of those that it has opened itself. */
  readonly startName?: string | undefined
  /** Something is to be made or changed there, for those who are told of refusals. */
  readonly writes?: boolean
}

/** As many as Linux follows. */
const MAX_LINKS = 40

/** @throws {Refusal} ENOTCAPABLE for a path that leads out, or the error of a missing component */
export function withPlace<Result>(start: Directory, options: WalkOptions, use: (place: Place) => Result): Result {
  const { path, end } = options
  const isPlain = !HAS_SPECIAL.test(path)
  if (!isPlain && path === '') throw new Refusal('ENOENT')
  if (path.includes('\0')) throw new Refusal('EINVAL')
  if (!isPlain && path.startsWith('/')) throw new Refusal('ENOTCAPABLE')
  try {
    const place = isPlain && start.takesWays === true ? placeIn(start, path, end) : undefined
    if (place !== undefined) return use(place)
  } catch (error) {
    if (!isLinkError(error)) throw told(error, start, options)
  }
  try {
    return withRememberedPlace(start, options, use)
  } catch (error) {
    if (end !== 'late' || !isLinkError(error)) throw told(error, start, options)
  }
  return withPlace(start, { ...options, end: 'follow' }, use)
}

/** A component that is empty, `.` or `..`. */
const HAS_SPECIAL = /(?:^|\/)\.{0,2}(?:\/|$)/

function withRememberedPlace<Result>(start: Directory, options: WalkOptions, use: (place: Place) => Result): Result {
  const { path, end } = options
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  const isName = name !== '' && name !== '.' && name !== '..'
  // Where the kernel follows no links, what is left for here leads by way of one, and cannot be compared.
  const way = isName && slash !== -1 && start.takesWays !== true ? path.slice(0, slash) : undefined
  const known = way === undefined ? undefined : start.reach?.(way)
  try {
    const directory = isName && slash === -1 ? start : known
    const place = directory && placeIn(directory, name, end)
    if (place !== undefined) return use(place)
  } finally {
    known?.close()
  }
  const walk = openWalk(start, options)
  try {
    return use(walk.toPlace((to) => way !== undefined && start.remember?.(way, to)))
  } finally {
    walk.close()
  }
}

/** What the module is told, and whoever tells the user. Of paths from what it was given only: elsewhere nobody knows what they are called. */
function told(error: unknown, start: Directory, options: WalkOptions): unknown {
  const { path, startName, end, writes = end === 'keep' } = options
  const code = startName === undefined ? undefined : codeOf(error)
  if (code !== 'ENOENT' && code !== 'EROFS') return error
  noteRefusal({ path: `${startName === '/' ? '' : startName}/${path}`, writes: writes || code === 'EROFS', code })
  const isRefused = code === 'ENOENT' && startName === '/' && !writes && isOfHost(start, path)
  return isRefused ? new Refusal('ENOTCAPABLE', { cause: error }) : error
}

/** Directories that systems have below their root (hier(7)), but for those that programs make where they are missing: /tmp, /var … */
const OF_SYSTEMS: ReadonlySet<string> = new Set(
  'bin boot dev etc home lib lib32 lib64 proc root sbin sys usr'.split(' '),
)

/**
 * In a container without such a directory, a path into it can only mean the host's. Whether the host has it is not known here, so the
 * answer tells nothing. Other names may be the program's own, which looks for them before it makes them.
 */
function isOfHost(root: Directory, path: string): boolean {
  const first = path.split('/').find((part) => part !== '' && part !== '.') ?? ''
  return OF_SYSTEMS.has(first) && root.find(first) === undefined
}

/** Nothing when there is a link to be followed. */
function placeIn(directory: Directory, name: string, end: WalkOptions['end']): Place | undefined {
  if (end !== 'follow') return { directory, name, wantsDirectory: false }
  const seen = directory.find(name)
  if (seen?.type === FILE_TYPE.symbolicLink) return undefined
  return { directory, name, wantsDirectory: false, seen, isMissing: seen === undefined }
}

interface Walk {
  /** @param arrived - told the directory that the last component of the path itself is in, unless that is where it began */
  toPlace(arrived: (directory: Directory) => void): Place
  close(): void
}

function openWalk(start: Directory, { path, end, linkRoot }: WalkOptions): Walk {
  /** Of components still to go, the next one last. */
  const todo = path.split('/').reverse()
  /** Handles of our own, each in the one before it; the first of them in `base`. */
  const below: Directory[] = []
  let base = start
  let links = 0
  let isThere = false

  const here = () => below.at(-1) ?? base
  const closeAll = () => {
    for (const directory of below.splice(0)) directory.close()
  }
  const back = () => {
    const left = below.pop()
    if (left === undefined) throw new Refusal('ENOTCAPABLE')
    left.close()
  }
  const followLink = (target: string) => {
    links += 1
    if (links > MAX_LINKS) throw new Refusal('ELOOP')
    if (target === '') throw new Refusal('ENOENT')
    if (target.startsWith('/')) {
      if (linkRoot === undefined) throw new Refusal('ENOTCAPABLE')
      closeAll()
      base = linkRoot
    }
    todo.push(...target.split('/').reverse())
  }
  const enter = (name: string) => {
    try {
      below.push(here().enter(name))
    } catch (error) {
      const target = isLinkError(error) ? linkTarget(here(), name) : undefined
      if (target === undefined) throw error
      followLink(target)
    }
  }
  const toPlace = (arrived: (directory: Directory) => void): Place => {
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (name === '' || name === '.') continue
      if (name === '..') {
        back()
        continue
      }
      if (!todo.every((rest) => rest === '' || rest === '.')) {
        enter(name)
        continue
      }
      const last = below.at(-1)
      if (!isThere && last !== undefined) arrived(last)
      isThere = true
      const wantsDirectory = todo.length > 0
      const followed = end === 'follow' || (end !== 'keep' && wantsDirectory)
      const seen = followed ? here().find(name) : undefined
      const target = seen?.type === FILE_TYPE.symbolicLink ? linkTarget(here(), name) : undefined
      if (target === undefined)
        return { directory: here(), name, wantsDirectory, seen, isMissing: followed && seen === undefined }
      followLink(target)
    }
    return { directory: here(), name: undefined, wantsDirectory: true }
  }
  return { toPlace, close: closeAll }
}

/** Whether a link may be why. */
function isLinkError(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOTDIR' || code === 'ELOOP'
}

/** Nothing when it is no link, or not there at all. */
function linkTarget(directory: Directory, name: string): string | undefined {
  try {
    return directory.readLink(name)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EINVAL' || code === 'ENOENT') return undefined
    throw error
  }
}
