/** What a build was made of that came from elsewhere, by address and digest. */
import type { Digest } from '../../oci/digest.ts'
import { digestAlgorithm, digestHex } from '../../oci/digest.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import type { GitSource } from '../sources/git-url.ts'

export interface Material {
  /** A package URL of an image, or the address of anything else. */
  readonly uri: string
  /** By algorithm, hexadecimal. */
  readonly digest: Readonly<Record<string, string>>
}

/** Filled while a build goes on. */
export interface Materials {
  add(material: Material): unknown
  /** Sorted, each once. */
  list(): readonly Material[]
}

export function openMaterials(): Materials {
  const known = new Map<string, Material>()
  return {
    add: (material) => known.set(JSON.stringify([material.uri, material.digest]), material),
    list: () => [...known.values()].toSorted((one, other) => (one.uri < other.uri ? -1 : 1)),
  }
}

/** Where a file comes from. What stands before the host or in the query is for whoever fetches it, and nobody else. */
export function fileAddress(url: string): string {
  return withoutPassword(url).replace(/[?#].*$/s, '')
}

/** Where a repository comes from, with reference and directory. */
export function gitAddress({ remote, ref, subdirectory }: GitSource): string {
  const fragment = [ref ?? '', ...(subdirectory === '' ? [] : [subdirectory])].join(':')
  return `${withoutPassword(remote)}${fragment === '' ? '' : `#${fragment}`}`
}

function withoutPassword(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1')
}

/** A digest of git's has no algorithm before it. */
export function digestSet(text: string): Material['digest'] {
  const [algorithm = '', hex] = text.split(':')
  if (hex !== undefined) return { [algorithm]: hex }
  return { [text.length === 64 ? 'sha256' : 'sha1']: text }
}

/** @param reference - as it was written @param digest - of what a registry knows by that name */
export function imageMaterial(reference: string, { digest, platform }: { digest: Digest; platform: string }): Material {
  return { uri: packageUrl(reference, platform), digest: { [digestAlgorithm(digest)]: digestHex(digest) } }
}

export const platformQuery = (platform: string): string => `platform=${encodeURIComponent(platform)}`

/** As BuildKit writes them: `pkg:docker/busybox@1.36?platform=linux%2Famd64` (package-url, type docker). */
export function packageUrl(reference: string, platform: string): string {
  const { digest, tag, ...place } = parseReference(reference)
  const name = familiarName(place)
  const version = tag ?? (digest === undefined ? 'latest' : undefined)
  const query = [...(digest === undefined ? [] : [`digest=${digest}`]), platformQuery(platform)].join('&')
  return `pkg:docker/${name}${version === undefined ? '' : `@${version}`}?${query}`
}
