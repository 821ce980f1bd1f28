/** A repository of the network as a directory of files: fetched once for each commit. */
import { copyFileSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stepKey } from '../cache/key.ts'
import { NotGranted, SourceFailed } from '../errors.ts'
import { makeScratch } from '../scratch.ts'
import type { Grants } from '../settings.ts'
import { checkOut, readCommitTime, TREE } from './git-checkout.ts'
import type { GitOptions } from './git-program.ts'
import { type Resolved, resolveRef } from './git-ref.ts'
import type { GitSource } from './git-url.ts'
import { type Keeping, keepSource, type SourceStore } from './kept.ts'
import { shownAddress } from './shown.ts'

export interface GitTree {
  /** On the host; nothing of it may be changed. */
  readonly directory: string
  readonly commit: string
  /** Seconds since 1970, as the commit says. */
  readonly committedAt: number
  /** The same for the same files, wherever they were fetched from. */
  readonly identity: string
}

export interface GitRequest extends Keeping {
  readonly source: GitSource
  readonly keepGitDirectory: boolean
  readonly commitTimes: boolean
  readonly grants: Grants
  readonly onStatus: (text: string) => void
  /** How long a server may say nothing, in milliseconds. */
  readonly stallMs?: number | undefined
}

/**
 * A reference is looked up once; only a commit that is not kept yet is fetched.
 *
 * @throws {SourceFailed} @throws {NotGranted} ssh without an agent
 */
export async function openGitTree(store: SourceStore, request: GitRequest): Promise<GitTree> {
  const { source, grants } = request
  // BuildKit's rule: of a part of a repository there is no `.git`.
  const keepGitDirectory = request.keepGitDirectory && source.subdirectory === ''
  await using scratch = makeScratch(store.paths)
  const options = gitOptions(request, scratch.path)
  request.onStatus(`asking ${source.host}`)
  const resolved = await resolveRef(source, options)
  const wanted = { ...request, keepGitDirectory }
  const key = keyOf(wanted, resolved)
  const make = (directory: string, signal: AbortSignal) =>
    checkOut({ ...wanted, resolved, directory }, gitOptions({ ...request, grants, signal }, scratch.path))
  const kind = 'source.git.checkout'
  const description = `git snapshot for ${shownAddress(source.remote)}#${resolved.ref ?? resolved.commit}`
  const kept = await keepSource(store, { key, kind, description, make }, request)
  const { subdirectory } = source
  const directory = insideOf(join(kept, TREE), subdirectory)
  const committedAt = readCommitTime(kept)
  return { directory, commit: resolved.commit, committedAt, identity: `git ${key} ${subdirectory}` }
}

type Wanted = Pick<GitRequest, 'source' | 'keepGitDirectory' | 'commitTimes'>

/** A commit is what it is, whoever hands it out; a `.git` directory also says what was asked, and where. */
function keyOf({ source, keepGitDirectory, commitTimes }: Wanted, { object, commit, ref }: Resolved): string {
  const own = keepGitDirectory ? [source.remote, object, ref ?? ''] : []
  return stepKey('git 2', [commit, source.submodules, commitTimes, ...own])
}

function gitOptions(request: GitRequest, scratch: string): GitOptions {
  const { source, grants, signal, onStatus, stallMs } = request
  const home = join(scratch, 'home')
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const agent = source.scheme === 'ssh' ? agentOf(grants) : undefined
  const known = join(homedir(), '.ssh', 'known_hosts')
  if (agent !== undefined && existsSync(known)) copyFileSync(known, join(home, 'known_hosts'))
  const login = source.login && { ...source.login, scope: `${source.scheme}://${source.host}` }
  const authorization = authorizationOf(source, grants)
  return { home, agent, authorization, login, signal, onProgress: onStatus, stallMs }
}

function agentOf({ ssh }: Grants): string {
  const agent = ssh.get('default')
  if (agent !== undefined) return agent
  throw new NotGranted('no SSH key "default" forwarded from the client', {
    hint: 'lend the agent that has the key of the repository: --ssh default',
  })
}

/** BuildKit's secrets, those of the host alone first. */
function authorizationOf({ remote, host, scheme }: GitSource, { secrets }: Grants): GitOptions['authorization'] {
  if (scheme !== 'https' && scheme !== 'http') return undefined
  // As actions/checkout has it: a token of GitHub is one for all repositories there, submodules included.
  const github = /^https:\/\/(?:www\.)?github\.com\//.exec(remote)?.[0]
  for (const name of [`GIT_AUTH_HEADER.${host}`, `GIT_AUTH_TOKEN.${host}`, 'GIT_AUTH_HEADER', 'GIT_AUTH_TOKEN']) {
    const secret = secrets.get(name)
    if (secret === undefined) continue
    const text = secret.value.toString().trim()
    if (/[\0\r\n]/.test(text)) throw new NotGranted(`the secret ${name} has more than one line`)
    const value = name.includes('TOKEN') ? `basic ${Buffer.from(`x-access-token:${text}`).toString('base64')}` : text
    return { scope: github ?? remote, value }
  }
  return undefined
}

/** Only through directories: a link may lead anywhere. */
function insideOf(tree: string, subdirectory: string): string {
  let path = tree
  for (const part of subdirectory.split('/').filter((one) => one !== '')) {
    path = join(path, part)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    const reason =
      stats?.isSymbolicLink() === true ? 'there is a link on its way' : 'it is no directory of the repository'
    if (stats?.isDirectory() !== true) throw new SourceFailed(`invalid subdir ${subdirectory}: ${reason}`)
  }
  return path
}
