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
const IMAGE_ID = /^[0-9a-f]{64}$/
const MAX_NAME_LENGTH = 255

/**
 * Parses what a user types: `busybox` is `docker.io/library/busybox`. A missing tag stays missing; see `withDefaultTag`.
 *
 * @throws {InvalidArgument} the text is no reference; the message says which part is wrong
 */
export function parseReference(text: string): Reference {
  const parts = splitReference(text)
  const fault = faultOf(text, parts)
  if (fault !== undefined)
    throw new InvalidArgument(`invalid reference ${JSON.stringify(text.slice(0, 300))}: ${fault.reason}`, {
      hint: fault.hint,
    })
  const { registry, repository, tag, digest } = parts
  return {
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest: digest as Digest }),
  }
}

interface Parts {
  readonly registry: string
  /** As it was typed. */
  readonly path: string
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** Nothing is checked yet. */
function splitReference(text: string): Parts {
  const at = text.indexOf('@')
  const digest = at === -1 ? undefined : text.slice(at + 1)
  const { registry, remainder } = splitRegistry(at === -1 ? text : text.slice(0, at))
  const colon = remainder.lastIndexOf(':')
  const path = colon === -1 ? remainder : remainder.slice(0, colon)
  const tag = colon === -1 ? undefined : remainder.slice(colon + 1)
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path
  return { registry, path, repository, tag, digest }
}

interface Fault {
  readonly reason: string
  readonly hint?: string
}

function faultOf(text: string, { registry, path, repository, tag, digest }: Parts): Fault | undefined {
  if (text === '') return { reason: 'it is empty' }
  if (IMAGE_ID.test(text)) return { reason: '64 hexadecimal digits cannot be a repository name' }
  return digestFault(digest) ?? nameFault(text, { registry, path, repository }) ?? tagFault(tag)
}

function digestFault(digest: string | undefined): Fault | undefined {
  if (digest === undefined || isDigest(digest)) return undefined
  return { reason: digest.includes('@') ? 'it has more than one @' : 'the digest is not sha256:<64 hex digits>' }
}

function nameFault(
  text: string,
  { registry, path, repository }: Pick<Parts, 'registry' | 'path' | 'repository'>,
): Fault | undefined {
  if (!REGISTRY.test(registry)) return { reason: `${JSON.stringify(registry)} is no registry host` }
  if (path !== path.toLowerCase())
    return { reason: 'repository name must be lowercase', hint: `try ${text.replace(path, path.toLowerCase())}` }
  if (!repository.split('/').every((component) => COMPONENT.test(component)))
    return { reason: 'the repository name is malformed' }
  if (registry.length + 1 + repository.length > MAX_NAME_LENGTH)
    return { reason: `the name is longer than ${MAX_NAME_LENGTH} characters` }
  return undefined
}

function tagFault(tag: string | undefined): Fault | undefined {
  return tag === undefined || TAG.test(tag) ? undefined : { reason: `${JSON.stringify(tag)} is no tag` }
}

/** The first component is a host only when it looks like one: a dot, a colon, `localhost`, or upper case. */
function splitRegistry(name: string): { registry: string; remainder: string } {
  const first = hostOf(name)
  if (first === undefined) return { registry: DEFAULT_REGISTRY, remainder: name }
  const registry = first === 'index.docker.io' ? DEFAULT_REGISTRY : first
  return { registry, remainder: name.slice(first.length + 1) }
}

function hostOf(name: string): string | undefined {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const isHost = slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  return isHost ? first : undefined
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

/** As docker shows it: `busybox:latest`, without the default registry and namespace where that means the same. */
export function familiarName(reference: Reference): string {
  const full = canonicalName(reference)
  if (reference.registry !== DEFAULT_REGISTRY) return full
  const official = reference.repository.startsWith('library/') && !reference.repository.slice(8).includes('/')
  const short = full.slice(`${DEFAULT_REGISTRY}/${official ? 'library/' : ''}`.length)
  const isAmbiguous = hostOf(short) !== undefined || IMAGE_ID.test(short)
  return isAmbiguous ? full : short
}

/** What a registry is asked for: the digest where there is one, else the tag. */
export function tagOrDigest(reference: Reference): string {
  return reference.digest ?? reference.tag ?? 'latest'
}
