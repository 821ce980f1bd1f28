/**
 * The only way from a path to a file. It goes one component at a time, over handles that stay on what they were opened on;
 * `..` goes back to the handle it came from and never asks the kernel. So a path leaves the directory it starts in by no
 * link, no `..`, and nothing that another process does meanwhile.
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
}

export interface WalkOptions {
  readonly path: string
  /** What becomes of a link at the very end: followed, followed before a slash only, or kept in any case. In between all are followed. */
  readonly end: 'follow' | 'slash' | 'keep'
  /** Where absolute links lead; without it they lead out, and are refused. */
  readonly linkRoot?: Directory | undefined
  /** Something is to be made or changed there, for those who are told of refusals. */
  readonly writes?: boolean
}

/** As many as Linux follows. */
const MAX_LINKS = 40

/** @throws {Refusal} ENOTCAPABLE for a path that leads out, or the error of a missing component */
export function withPlace<Result>(start: Directory, options: WalkOptions, use: (place: Place) => Result): Result {
  if (options.path === '') throw new Refusal('ENOENT')
  if (options.path.includes('\0')) throw new Refusal('EINVAL')
  if (options.path.startsWith('/')) throw new Refusal('ENOTCAPABLE')
  const walk = openWalk(start, options)
  try {
    return use(walk.toPlace())
  } catch (error) {
    tellRefusal(error, start, options)
    throw error
  } finally {
    walk.close()
  }
}

/** Of paths from the root only: elsewhere nobody knows what they are called. */
function tellRefusal(
  error: unknown,
  start: Directory,
  { path, linkRoot, end, writes = end === 'keep' }: WalkOptions,
): void {
  const code = start === linkRoot ? codeOf(error) : undefined
  if (code === 'ENOENT' || code === 'EROFS') noteRefusal({ path: `/${path}`, writes: writes || code === 'EROFS', code })
}

interface Walk {
  toPlace(): Place
  close(): void
}

function openWalk(start: Directory, { path, end, linkRoot }: WalkOptions): Walk {
  /** Of components still to go, the next one last. */
  const todo = path.split('/').reverse()
  /** Handles of our own, each in the one before it; the first of them in `base`. */
  const below: Directory[] = []
  let base = start
  let links = 0

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
  const toPlace = (): Place => {
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
      const wantsDirectory = todo.length > 0
      const followed = end === 'follow' || (end === 'slash' && wantsDirectory)
      const seen = followed ? here().find(name) : undefined
      const target = seen?.type === FILE_TYPE.symbolicLink ? linkTarget(here(), name) : undefined
      if (target === undefined) return { directory: here(), name, wantsDirectory, seen }
      followLink(target)
    }
    return { directory: here(), name: undefined, wantsDirectory: true }
  }
  return { toPlace, close: closeAll }
}

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
