/** Addresses of git repositories, in the forms that BuildKit reads: `https://host/path.git#ref:subdir` and its like. */
import { posix } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import { parseBool } from '../../util/truth.ts'
import { shownAddress } from './shown.ts'

export interface GitSource {
  /** What git is given: without query and fragment, and over http without who asks. */
  readonly remote: string
  /** Who asks over http, where the address says it. */
  readonly login?: Login
  readonly scheme: 'http' | 'https' | 'git' | 'ssh'
  /** With the port where one is written. */
  readonly host: string
  /** A branch, a tag, `refs/…` or a whole commit; undefined: what the repository's HEAD is. */
  readonly ref: string | undefined
  /** Clean, without a slash at either end; empty: all of it. */
  readonly subdirectory: string
  /** A commit, or how it begins. */
  readonly checksum: string | undefined
  readonly keepGitDirectory: boolean | undefined
  readonly submodules: boolean
  /** All files have the time of the commit. */
  readonly commitTimes: boolean
  /** `checksum` is a whole commit, and nobody asks what the reference is. */
  readonly fetchByCommit: boolean
}

export interface Login {
  readonly username: string
  readonly password: string
}

/** More is no address. */
const MAX_LENGTH = 4096
const SCHEME = /^(https?|git|ssh):\/\//i
/** `git@host:path?query#fragment` */
const SCP = /^([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):(.*?)(?:\?(.*?))?(?:#(.*))?$/
const GITHUB = /^github\.com\//

/**
 * @param options - `github`: `github.com/user/name` is one too
 * @returns undefined: it is none
 * @throws {InvalidArgument} it is one, and cannot be meant
 */
export function parseGitSource(text: string, { github }: { readonly github: boolean }): GitSource | undefined {
  const parts = splitAddress(text, github)
  if (parts === undefined) return undefined
  refuseStrange(text, parts)
  const query = parseQuery(parts.query)
  const { ref, subdirectory } = parseFragment(parts.fragment)
  const source = {
    remote: parts.remote,
    ...(parts.login && { login: parts.login }),
    scheme: parts.scheme,
    host: parts.host,
    ref: agreed('ref', [ref, ...refsOf(query)]),
    subdirectory: agreed('subdir', [subdirectory, query.get('subdir')].map(cleanSubdirectory)) ?? '',
    checksum: agreed('checksum', [query.get('checksum'), query.get('commit')]),
    keepGitDirectory: truth(query, 'keep-git-dir'),
    submodules: truth(query, 'submodules') ?? true,
    commitTimes: timesOf(query),
    fetchByCommit: truth(query, 'fetch-by-commit') ?? false,
  }
  checkRef(source.ref)
  checkChecksum(source)
  return source
}

export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

/** @throws {InvalidArgument} it is no beginning of a commit */
export function checkCommit(text: string): void {
  if (!/^[0-9a-fA-F]{1,64}$/.test(text))
    throw new InvalidArgument(`invalid checksum ${text.slice(0, 80)} for Git URL, expected hex commit hash`)
}

interface Address {
  readonly remote: string
  readonly login?: Login | undefined
  readonly scheme: GitSource['scheme']
  readonly host: string
  readonly path: string
  readonly user: string
  readonly query: string
  readonly fragment: string
}

function splitAddress(text: string, github: boolean): Address | undefined {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase()
  if (github && GITHUB.test(text)) return splitUrl(`https://${text}`, 'https')
  if (scheme === 'http' || scheme === 'https') {
    const address = splitUrl(text, scheme)
    // Anything else is a file.
    return address?.path.endsWith('.git') === true ? address : undefined
  }
  if (scheme === 'git' || scheme === 'ssh') return splitUrl(text, scheme)
  const [, user, host, path, query = '', fragment = ''] = SCP.exec(text) ?? []
  if (user === undefined || host === undefined || path === undefined) return undefined
  return { remote: `${user}@${host}:${path}`, scheme: 'ssh', host, path, user, query, fragment }
}

function splitUrl(text: string, scheme: GitSource['scheme']): Address | undefined {
  if (!URL.canParse(text)) return undefined
  const { host, pathname: path, username: user, password } = new URL(text)
  const [beforeFragment = '', ...fragment] = text.split('#')
  const [whole = '', ...query] = beforeFragment.split('?')
  const isHttp = scheme === 'http' || scheme === 'https'
  // git would show it to whoever lists processes, and write it beside the files.
  const remote = isHttp ? whole.replace(/^(https?:\/\/)[^/]*@/i, '$1') : whole
  const login = isHttp && user !== '' ? loginOf(user, password) : undefined
  return { remote, login, scheme, host, path, user, query: query.join('?'), fragment: fragment.join('#') }
}

/** One line each: that is how git is told. */
function loginOf(user: string, secret: string): Login {
  const [username, password] = [decoded(user), decoded(secret)]
  if (/[\0\r\n]/.test(username + password))
    throw new InvalidArgument('the user or password of a git repository has more than one line')
  return { username, password }
}

/** What git or ssh could take for an option, or for more than one line; or read as another host than we do. */
function refuseStrange(text: string, { host, path, user }: Address): void {
  const isStrange = text.length > MAX_LENGTH || /[\0-\x20\x7f\\]/.test(text)
  if (!isStrange && host !== '' && ![host, path, user].some((part) => part.startsWith('-'))) return
  throw new InvalidArgument(`invalid address of a git repository: ${JSON.stringify(shownAddress(text).slice(0, 200))}`)
}

const KEYS = [
  'ref',
  'tag',
  'branch',
  'subdir',
  'checksum',
  'commit',
  'keep-git-dir',
  'submodules',
  'mtime',
  'fetch-by-commit',
]
const SWITCHES = ['keep-git-dir', 'submodules', 'fetch-by-commit']

function parseQuery(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [key, value] of new URLSearchParams(text)) {
    if (!KEYS.includes(key))
      throw new InvalidArgument(`unexpected query ${JSON.stringify(key.slice(0, 80))}`, {
        hint: `known: ${KEYS.join(', ')}`,
      })
    if (values.has(key)) throw new InvalidArgument(`query "${key}" has multiple values`)
    if (value === '' && !SWITCHES.includes(key)) throw new InvalidArgument(`query "${key}" has no value`)
    values.set(key, value)
  }
  return values
}

function parseFragment(text: string): { readonly ref: string; readonly subdirectory: string | undefined } {
  const colon = text.indexOf(':')
  if (colon === -1) return { ref: decoded(text), subdirectory: undefined }
  return { ref: decoded(text.slice(0, colon)), subdirectory: decoded(text.slice(colon + 1)) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new InvalidArgument('invalid URL escape in the address of a git repository', { cause: error })
  }
}

function refsOf(query: ReadonlyMap<string, string>): readonly (string | undefined)[] {
  const [tag, branch] = [query.get('tag'), query.get('branch')]
  if (tag !== undefined && branch !== undefined) throw new InvalidArgument('branch conflicts with tag')
  return [query.get('ref'), within('refs/tags/', tag), within('refs/heads/', branch)]
}

function within(prefix: string, name: string | undefined): string | undefined {
  return name === undefined || name.startsWith(prefix) ? name : `${prefix}${name}`
}

/** What is said in several places has to be the same; what is empty says nothing. */
function agreed(what: string, values: readonly (string | undefined)[]): string | undefined {
  const said = values.filter((value) => value !== undefined && value !== '')
  const other = said.find((value) => value !== said[0])
  if (other === undefined) return said[0]
  throw new InvalidArgument(`${what} conflicts: ${JSON.stringify(said[0])} vs ${JSON.stringify(other)}`)
}

function cleanSubdirectory(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (/\p{Cc}/u.test(text)) throw new InvalidArgument(`invalid subdir ${JSON.stringify(text.slice(0, 200))}`)
  return posix.resolve('/', text).slice(1)
}

function truth(query: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const text = query.get(key)
  if (text === undefined) return undefined
  const value = text === '' ? true : parseBool(text)
  if (value === undefined) throw new InvalidArgument(`invalid ${key} value: ${JSON.stringify(text.slice(0, 80))}`)
  return value
}

function timesOf(query: ReadonlyMap<string, string>): boolean {
  const text = query.get('mtime') ?? 'checkout'
  if (text === 'checkout' || text === 'commit') return text === 'commit'
  throw new InvalidArgument(
    `invalid mtime value: ${JSON.stringify(text.slice(0, 80))} (must be "checkout" or "commit")`,
  )
}

/** As `git check-ref-format` has it: no name is a pattern, an expression or an option. */
function checkRef(ref: string | undefined): void {
  if (ref === undefined) return
  const isStrange = /[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|\/\.|[/.]$|\.lock(?:\/|$)/.test(ref)
  if (isStrange) throw new InvalidArgument(`invalid git ref ${JSON.stringify(ref.slice(0, 200))}`)
}

function checkChecksum({ checksum, ref, fetchByCommit }: GitSource): void {
  if (checksum !== undefined) checkCommit(checksum)
  if (checksum !== undefined && ref !== undefined && isCommit(ref) && !ref.startsWith(checksum))
    throw new InvalidArgument(`expected checksum to match ${checksum}, got ${ref}`)
  if (fetchByCommit && !isCommit(checksum ?? ref ?? ''))
    throw new InvalidArgument('fetch-by-commit requires a full commit SHA checksum')
}
