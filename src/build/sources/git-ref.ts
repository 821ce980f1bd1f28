/** Which commit a reference stands for just now: one question to the server. */
import { SourceFailed } from '../errors.ts'
import { type GitOptions, runGit } from './git-program.ts'
import { type GitSource, isCommit } from './git-url.ts'
import { shownAddress } from './shown.ts'

export interface Resolved {
  /** What is fetched: the commit, or an annotated tag that names it. */
  readonly object: string
  readonly commit: string
  /** `refs/heads/main`; undefined: a commit was asked for. */
  readonly ref: string | undefined
}

/** @throws {SourceFailed} the server does not have it, or it is not the commit that it has to be */
export async function resolveRef(source: GitSource, options: GitOptions): Promise<Resolved> {
  const { ref, checksum, fetchByCommit } = source
  const isPinned = ref !== undefined && isCommit(ref)
  if (!isPinned && fetchByCommit && checksum !== undefined)
    return { object: checksum, commit: checksum, ref: qualified(ref) }
  const resolved = isPinned ? { object: ref, commit: ref, ref: undefined } : await askFor(source, options)
  const { object, commit } = resolved
  if (checksum === undefined || object.startsWith(checksum) || commit.startsWith(checksum)) return resolved
  const found = object === commit ? commit : `${object} or ${commit}`
  throw new SourceFailed(`expected checksum to match ${checksum}, got ${found}`)
}

function askFor(source: GitSource, options: GitOptions): Promise<Resolved> {
  const { ref } = source
  return ref === undefined ? resolveHead(source, options) : resolveNamed({ ...source, ref }, options)
}

function qualified(ref: string | undefined): string | undefined {
  return ref === undefined || ref.startsWith('refs/') ? ref : `refs/heads/${ref}`
}

async function resolveHead({ remote }: GitSource, options: GitOptions): Promise<Resolved> {
  const text = await runGit(['ls-remote', '--symref', '--', remote, 'HEAD'], options)
  const commit = /^([0-9a-f]+)\tHEAD$/m.exec(text)?.[1]
  const ref = /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(text)?.[1]
  if (commit === undefined || !isCommit(commit))
    throw new SourceFailed(`could not find default branch for repository: ${shownAddress(remote)}`)
  return { object: commit, commit, ref }
}

/** A branch counts before a tag of the same name, as in git's own checkout. */
async function resolveNamed(source: GitSource & { readonly ref: string }, options: GitOptions): Promise<Resolved> {
  const { remote, ref } = source
  const text = await runGit(['ls-remote', '--', remote, ref, `${ref}^{}`], options)
  const objects = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [object = '', name = ''] = line.split('\t')
    if (isCommit(object)) objects.set(name, object)
  }
  const names = [`refs/${ref.replace(/^refs\//, '')}`, `refs/heads/${ref}`, `refs/tags/${ref}`]
  const name = names.find((one) => objects.has(one))
  const object = objects.get(name ?? '')
  if (name === undefined || object === undefined)
    throw new SourceFailed(`repository does not contain ref ${ref}: ${shownAddress(remote)}`)
  const commit = objects.get(`${name}^{}`) ?? object
  return { object, commit, ref: name }
}
