/** ADD of what is elsewhere: a file behind a URL, or a repository. */
import { basename } from 'node:path'
import { archiveKind } from '../copy/archive-kind.ts'
import { singleFileTree } from '../copy/single-file-tree.ts'
import { CopyFailed } from '../errors.ts'
import type { Step } from '../solve-step.ts'
import { checkCommit, type GitSource, parseGitSource } from '../sources/git-url.ts'
import { shownAddress } from '../sources/shown.ts'
import type { StageState } from '../state.ts'
import { type Add, archiveStep } from './add-archive.ts'
import { type CopyRequest, copyStep } from './copy.ts'
import { excluder } from './exclude.ts'
import { type LayerOptions, plainTree } from './options.ts'

const URL_LIKE = /^https?:\/\//i

/**
 * @returns undefined: its sources are in the context
 * @throws {CopyFailed} flags or sources that do not go together
 * @throws {InvalidArgument} an address that cannot be meant
 */
export async function addRemote(state: StageState, instruction: Add, options: LayerOptions): Promise<Step | undefined> {
  const { sources, files, checksum } = instruction
  const found = sources.map((source) => parseGitSource(source, { github: false }))
  const count = sources.filter((source, index) => found[index] !== undefined || URL_LIKE.test(source)).length
  if (checksum !== undefined && sources.length > 1)
    throw new CopyFailed("checksum can't be specified for multiple sources")
  if (checksum !== undefined && count === 0) throw new CopyFailed('checksum requires HTTP(S) or Git sources')
  if (count === 0) return undefined
  if (sources.length + files.length > 1)
    throw new CopyFailed('ADD takes one URL or repository at a time', { hint: 'write one ADD for each' })
  const [only = ''] = sources
  const [git] = found
  return git === undefined
    ? addUrl(state, { ...instruction, url: only }, options)
    : addGit(state, { ...instruction, git }, options)
}

/** ADD as COPY, without what it copies. */
export function addRequest(instruction: Add): Omit<CopyRequest, 'from' | 'sources'> {
  const { files, destination, chown, chmod, link, exclude, code } = instruction
  const shape = { files, destination, chown, chmod, link, exclude }
  return { ...shape, description: code, parents: false, excluded: excluder(exclude) }
}

async function addUrl(
  state: StageState,
  instruction: Add & { readonly url: string },
  options: LayerOptions,
): Promise<Step> {
  const { url, checksum } = instruction
  const fetch = () => {
    const { signal, vertex } = options
    return options.sources.http(url, { checksum, signal, onStatus: vertex.status })
  }
  if (instruction.unpack === true) {
    const { path } = await fetch()
    const compression = await archiveKind(path)
    if (compression !== undefined) return archiveStep(state, { instruction, path, compression }, options)
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
  const literal = name.replace(/[*?[\\]/g, '\\$&')
  return copyStep(state, { ...addRequest(instruction), sources: [literal], from }, options)
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
): Promise<Step> {
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
  return copyStep(state, { ...addRequest(instruction), sources: ['/'], from }, options)
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
