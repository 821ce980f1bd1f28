/** The files of one commit, in a directory of their own. */
import { lstatSync, lutimesSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SourceFailed } from '../errors.ts'
import { freshDirectory } from '../scratch.ts'
import { type GitOptions, runGit } from './git-program.ts'
import type { Resolved } from './git-ref.ts'
import type { GitSource } from './git-url.ts'
import { shownAddress } from './shown.ts'

export interface Checkout {
  readonly source: GitSource
  readonly resolved: Resolved
  readonly keepGitDirectory: boolean
  readonly commitTimes: boolean
  /** A fresh one; it has `tree` and what git needs afterwards. */
  readonly directory: string
}

/** Below `directory`. */
export const TREE = 'tree'

/** Beside it: when the commit was made. */
const TIME = 'time'

/** Seconds since 1970 of the commit that was checked out there, as it says itself. */
export function readCommitTime(directory: string): number {
  return Number(readFileSync(join(directory, TIME), 'utf8'))
}

/** @throws {SourceFailed} */
export async function checkOut(checkout: Checkout, options: GitOptions): Promise<void> {
  const { source, resolved, keepGitDirectory, commitTimes, directory } = checkout
  const workTree = join(directory, TREE)
  const gitDirectory = keepGitDirectory ? join(workTree, '.git') : join(directory, 'git')
  freshDirectory(workTree, 0o755)
  const git = (...words: string[]) => runGit(words, { ...options, gitDirectory, workTree })
  const format = resolved.object.length === 64 ? ['--object-format=sha256'] : []
  await git('init', '--quiet', ...format)
  await git('remote', 'add', 'origin', source.remote)
  await fetchObject(checkout, git)
  await git('checkout', '--progress', '--force', '--detach', resolved.commit)
  if (source.submodules) await fetchSubmodules(workTree, git)
  if (keepGitDirectory) await tidy(checkout, git)
  else removeLinks(workTree)
  const seconds = Number(await git('show', '--no-patch', '--format=%ct', resolved.commit))
  if (commitTimes) setTimes(workTree, seconds)
  writeFileSync(join(directory, TIME), `${seconds}`)
  if (!keepGitDirectory) rmSync(gitDirectory, { recursive: true, force: true })
}

type Git = (...words: string[]) => Promise<string>

/** Servers that hand out nothing by its name, or no part of a history, are asked for all that they have. */
const ASKED_TOO_MUCH = /not our ref|unadvertised object|shallow|depth|dumb http|not found in upstream/i

async function fetchObject({ source, resolved }: Checkout, git: Git): Promise<void> {
  const { object, commit } = resolved
  try {
    await git('fetch', '--progress', '--depth=1', '--no-tags', '--', 'origin', object)
  } catch (error) {
    if (!(error instanceof SourceFailed) || !ASKED_TOO_MUCH.test(error.message)) throw error
    const ref = resolved.ref === undefined ? ['+refs/*:refs/remotes/origin/*'] : [`+${resolved.ref}:refs/fetched`]
    await git('fetch', '--progress', '--no-tags', '--', 'origin', ...ref)
  }
  const shown = shownAddress(source.remote)
  let found: string
  try {
    found = (await git('rev-parse', '--verify', '--quiet', `${object}^{commit}`)).trim()
  } catch (error) {
    if (!(error instanceof SourceFailed)) throw error
    throw new SourceFailed(`${shown} has no commit ${commit}`, { cause: error })
  }
  // A tag may have been asked for by its own id.
  if (found !== commit && object !== commit) throw new SourceFailed(`${shown} gave ${found} for ${commit}`)
}

async function fetchSubmodules(workTree: string, git: Git): Promise<void> {
  if (!isThere(join(workTree, '.gitmodules'))) return
  await git('submodule', 'update', '--init', '--recursive', '--depth=1', '--progress')
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** The repository as a clone of this one reference would have it, without what only this fetch knows. */
async function tidy({ source, resolved, directory }: Checkout, git: Git): Promise<void> {
  if (resolved.ref !== undefined) await git('update-ref', resolved.ref, resolved.object)
  await git('remote', 'set-url', 'origin', source.remote.replace(/^([a-z]+:\/\/)[^/]*@/i, '$1'))
  await git('reflog', 'expire', '--all', '--expire=now')
  for (const name of ['FETCH_HEAD', 'hooks'])
    rmSync(join(directory, TREE, '.git', name), { recursive: true, force: true })
}

/** Submodules say in a file where their repositories were. */
function removeLinks(workTree: string): void {
  eachEntry(Buffer.from(workTree), (path, isDirectory) => {
    if (!isDirectory && path.subarray(path.lastIndexOf(SLASH)).equals(LINK)) unlinkSync(path)
  })
}

const SLASH = 0x2f
const LINK = Buffer.from('/.git')

function setTimes(workTree: string, seconds: number): void {
  if (!Number.isSafeInteger(seconds)) throw new SourceFailed('the commit has no time')
  eachEntry(Buffer.from(workTree), (path) => lutimesSync(path, seconds, seconds))
  lutimesSync(workTree, seconds, seconds)
}

/** What is in a directory before the directory itself; no link is followed. Names may be any bytes. */
function eachEntry(root: Buffer, visit: (path: Buffer, isDirectory: boolean) => void): void {
  for (const entry of readdirSync(root, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([root, Buffer.from('/'), entry.name])
    if (entry.isDirectory()) eachEntry(path, visit)
    visit(path, entry.isDirectory())
  }
}
