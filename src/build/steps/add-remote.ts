/** ADD of what is elsewhere: a file behind a URL, or a repository. */
import { basename } from 'node:path'
import { archiveKind } from '../copy/archive-kind.ts'
import { patternOf } from '../copy/glob.ts'
import { singleFileTree } from '../copy/single-file-tree.ts'
import { CopyFailed } from '../errors.ts'
import { checkCommit, type GitSource, parseGitSource } from '../sources/git-url.ts'
import { shownAddress } from '../sources/shown.ts'
import type { StageState } from '../state.ts'
import { type Add, archivePortion } from './add-archive.ts'
import { type CopyRequest, copyPortion } from './copy.ts'
import { excluder } from './exclude.ts'
import type { Portion } from './land.ts'
import { type LayerOptions, plainTree } from './options.ts'

const URL_LIKE = /^https?:\/\//i

/** A source that is elsewhere. */
export type RemoteSource = { readonly git: GitSource } | { readonly url: string }

/**
 * @returns undefined: it is in the context
 * @throws {InvalidArgument} an address that cannot be meant
 */
export function remoteSource(source: string): RemoteSource | undefined {
  const git = parseGitSource(source, { github: false })
  if (git !== undefined) return { git }
  return URL_LIKE.test(source) ? { url: source } : undefined
}

/** @throws {CopyFailed} flags and source do not go together */
export function remotePortion(
  state: StageState,
  remote: RemoteSource & { readonly instruction: Add },
  options: LayerOptions,
): Promise<Portion> {
  const { instruction } = remote
  return 'git' in remote
    ? addGit(state, { ...instruction, git: remote.git }, options)
    : addUrl(state, { ...instruction, url: remote.url }, options)
}

/** ADD as COPY, without what it copies. */
export function addRequest(instruction: Add): Omit<CopyRequest, 'from' | 'sources' | 'files'> {
  const { destination, chown, chmod, link, exclude, code } = instruction
  const shape = { destination, chown, chmod, link, exclude }
  return { ...shape, description: code, parents: false, excluded: excluder(exclude) }
}

async function addUrl(
  state: StageState,
  instruction: Add & { readonly url: string },
  options: LayerOptions,
): Promise<Portion> {
  const { url, checksum } = instruction
  const fetch = () => {
    const { signal, vertex } = options
    return options.sources.http(url, { checksum, signal, onStatus: vertex.status })
  }
  if (instruction.unpack === true) {
    const { path } = await fetch()
    const compression = await archiveKind(path)
    if (compression !== undefined) return archivePortion(state, { instruction, path, compression }, options)
  }
  const name = nameOf(url)
  if (name === '' && instruction.destination.endsWith('/'))
    throw new CopyFailed(`cannot determine filename for source ${shownAddress(url)}`, {
      hint: 'name the file in the destination',
    })
  // What it has to be is known without a request.
  const identify = async () => {
    const { digest, mtimeSeconds } = await fetch()
    return `${digest} ${mtimeSeconds}`
  }
  const identity = checksum ?? (await identify())
  const tree = singleFileTree({ name, identity, open: fetch })
  const from = plainTree(() => tree)
  return copyPortion(state, { ...addRequest(instruction), sources: [patternOf(name)], files: [], from }, options)
}

/** The last component of the URL's path; empty where it has none. */
function nameOf(text: string): string {
  if (!URL.canParse(text)) throw new CopyFailed(`invalid URL ${JSON.stringify(shownAddress(text).slice(0, 200))}`)
  const { pathname } = new URL(text)
  try {
    return basename(decodeURIComponent(pathname)).replace(/[\0/]/g, '')
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    return basename(pathname)
  }
}

async function addGit(
  state: StageState,
  instruction: Add & { readonly git: GitSource },
  options: LayerOptions,
): Promise<Portion> {
  const { git } = instruction
  const { signal, vertex, sources, local } = options
  const wishes = {
    signal,
    onStatus: vertex.status,
    keepGitDirectory: keepsGit(instruction),
    commitTimes: git.commitTimes,
  }
  const { directory, identity } = await sources.git(pinned(instruction), wishes)
  const from = plainTree(() => local(directory), identity)
  return copyPortion(state, { ...addRequest(instruction), sources: ['/'], files: [], from }, options)
}

/** Flag and address may both say it. */
function keepsGit({ keepGitDir, git }: Add & { readonly git: GitSource }): boolean {
  if (keepGitDir !== undefined && git.keepGitDirectory !== undefined && keepGitDir !== git.keepGitDirectory)
    throw new CopyFailed('inconsistent keep-git-dir configuration')
  return git.keepGitDirectory ?? keepGitDir ?? false
}

function pinned({ checksum, git }: Add & { readonly git: GitSource }): GitSource {
  if (checksum === undefined) return git
  checkCommit(checksum)
  if (git.checksum !== undefined && git.checksum !== checksum)
    throw new CopyFailed(`checksum mismatch "${checksum}" != "${git.checksum}"`)
  return { ...git, checksum }
}
