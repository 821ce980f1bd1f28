/** `--build-context name=place`. */
import { statSync } from 'node:fs'
import { InvalidArgument } from '../../errors.ts'
import type { LayoutImage } from '../../images/layout-base.ts'
import { isDigest } from '../../oci/digest.ts'
import { hostPath } from '../parse-request.ts'
import { type GitSource, parseGitSource } from '../sources/git-url.ts'

export type NamedContext =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'scratch' }
  | { readonly kind: 'git'; readonly source: GitSource; readonly text: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'layout'; readonly image: LayoutImage }

/** @throws {InvalidArgument} */
export function parseContexts(texts: readonly string[]): ReadonlyMap<string, NamedContext> {
  return new Map(
    texts.map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new InvalidArgument(`invalid context value: ${text}, expected key=value`)
      return [text.slice(0, equals), parsePlace(text.slice(equals + 1))]
    }),
  )
}

const IMAGE = 'docker-image://'
const LAYOUT = 'oci-layout://'

function parsePlace(place: string): NamedContext {
  if (place === `${IMAGE}scratch`) return { kind: 'scratch' }
  if (place.startsWith(IMAGE)) return { kind: 'image', reference: place.slice(IMAGE.length) }
  if (place.startsWith(LAYOUT)) return parseLayout(place.slice(LAYOUT.length))
  const path = hostPath(place)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return { kind: 'directory', path }
  const source = parseGitSource(place, { github: true })
  if (source !== undefined) return { kind: 'git', source, text: place }
  if (/^https?:\/\//i.test(place)) return { kind: 'http', url: place }
  if (/^[a-z][a-z0-9+.-]*:/i.test(place))
    throw new InvalidArgument(`build context ${place} is not supported`, {
      hint: 'name a directory, a git repository, an http(s) URL, docker-image://REFERENCE or oci-layout://DIRECTORY',
    })
  throw noDirectory(place)
}

const noDirectory = (place: string) => new InvalidArgument(`failed to get build context: ${place} is no directory`)

/** `directory[:tag][@digest]`; `latest` where neither is written. */
function parseLayout(text: string): NamedContext {
  const [, beforeDigest = text, digest] = /^(.*)@(\w+:[0-9a-f]+)$/.exec(text) ?? []
  if (digest !== undefined && !isDigest(digest)) throw new InvalidArgument(`invalid digest ${digest} of an OCI layout`)
  const [, beforeTag = beforeDigest, tag] = /^(.*):(\w[\w.-]{0,127})$/.exec(beforeDigest) ?? []
  const path = hostPath(beforeTag)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw noDirectory(path)
  const image = { path, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest }
  return { kind: 'layout', image }
}
