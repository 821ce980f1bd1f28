/** Image references in docker's grammar (github.com/distribution/reference, and the short names of the CLI). */
import { InvalidArgument } from '../errors.ts'
import { type Digest, isDigest } from './digest.ts'

export interface Reference {
  /** `docker.io`, `registry.example:5000` */
  readonly registry: string
  /** `library/busybox` */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

const DEFAULT_REGISTRY = 'docker.io'
const REGISTRY =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const MAX_NAME_LENGTH = 255

/**
 * Parses what a user types: `busybox` is `docker.io/library/busybox`. A missing tag stays missing; see `withDefaultTag`.
 *
 * @throws {InvalidArgument} the text is no reference; the message says which part is wrong
 */
export function parseReference(text: string): Reference {
  const fail = (reason: string, hint?: string) => {
    throw new InvalidArgument(`invalid reference ${JSON.stringify(text.slice(0, 300))}: ${reason}`, { hint })
  }
  if (text === '') fail('it is empty')
  if (/^[0-9a-f]{64}$/.test(text)) fail('64 hexadecimal digits cannot be a repository name')

  const [beforeDigest, digest, ...rest] = text.split('@') as [string, string | undefined, ...string[]]
  if (rest.length > 0) fail('it has more than one @')
  if (digest !== undefined && !isDigest(digest)) fail('the digest is not sha256:<64 hex digits>')

  const { registry, remainder } = splitRegistry(beforeDigest)
  const colon = remainder.lastIndexOf(':')
  const path = colon === -1 ? remainder : remainder.slice(0, colon)
  const tag = colon === -1 ? undefined : remainder.slice(colon + 1)
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path

  if (!REGISTRY.test(registry)) fail(`${JSON.stringify(registry)} is no registry host`)
  if (path !== path.toLowerCase())
    fail('repository name must be lowercase', `try ${text.replace(path, path.toLowerCase())}`)
  if (!repository.split('/').every((component) => COMPONENT.test(component))) fail('the repository name is malformed')
  if (registry.length + 1 + repository.length > MAX_NAME_LENGTH)
    fail(`the name is longer than ${MAX_NAME_LENGTH} characters`)
  if (tag !== undefined && !TAG.test(tag)) fail(`${JSON.stringify(tag)} is no tag`)

  return {
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest: digest as Digest }),
  }
}

/** The first component is a host only when it looks like one: a dot, a colon, `localhost`, or upper case. */
function splitRegistry(name: string): { registry: string; remainder: string } {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const isHost = slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  if (!isHost) return { registry: DEFAULT_REGISTRY, remainder: name }
  const registry = first === 'index.docker.io' ? DEFAULT_REGISTRY : first
  return { registry, remainder: name.slice(slash + 1) }
}

/** `latest` where neither tag nor digest is given. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference
}

/** `docker.io/library/busybox`, without tag and digest. */
export function repositoryName(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`
}

/** The whole name: `docker.io/library/busybox:latest@sha256:…`. */
export function canonicalName(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${repositoryName(reference)}${tag}${digest}`
}

/** As docker shows it: `busybox:latest`, without the default registry and namespace. */
export function familiarName(reference: Reference): string {
  const full = canonicalName(reference)
  if (reference.registry !== DEFAULT_REGISTRY) return full
  const short = full.slice(DEFAULT_REGISTRY.length + 1)
  const official = reference.repository.startsWith('library/') && !reference.repository.slice(8).includes('/')
  return official ? short.slice('library/'.length) : short
}

/** What a registry is asked for: the digest where there is one, else the tag. */
export function tagOrDigest(reference: Reference): string {
  return reference.digest ?? reference.tag ?? 'latest'
}
