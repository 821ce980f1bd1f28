/** Manifests and indexes (distribution-spec, Pulling manifests, Pushing manifests). */

import { createHash } from 'node:crypto'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../oci/digest.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../oci/media-types.ts'
import type { ManifestAnswer } from './client.ts'
import { DigestMismatch, ManifestUnknown, RegistryFault, UnsupportedManifest } from './errors.ts'
import { drain, type HttpResponse, readBody } from './http.ts'
import { refusal } from './refusal.ts'
import type { Session } from './session.ts'

const ACCEPT = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(', ')
/** What registries must take, and more than anybody needs. */
const MAX_MANIFEST_BYTES = 4 << 20

export async function getManifest(
  session: Session,
  tagOrDigest: string,
  signal?: AbortSignal,
): Promise<ManifestAnswer> {
  const answer = await session.sendAnywhere({
    method: 'GET',
    path: `manifests/${tagOrDigest}`,
    headers: { accept: ACCEPT },
    follow: true,
    signal,
  })
  if (answer.status !== 200) throw await manifestRefusal(session, tagOrDigest, answer)
  const bytes = await readBody(answer, MAX_MANIFEST_BYTES)
  const digest = verifiedDigest(bytes, tagOrDigest, answer)
  const mediaType = manifestType(bytes, answer)
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
}

/** HEAD costs nothing on registries that count pulls; one without a digest or length says too little. */
export async function resolveManifest(
  session: Session,
  tagOrDigest: string,
  signal?: AbortSignal,
): Promise<Descriptor> {
  const answer = await session.sendAnywhere({
    method: 'HEAD',
    path: `manifests/${tagOrDigest}`,
    headers: { accept: ACCEPT },
    follow: true,
    signal,
  })
  drain(answer)
  if (answer.status === 404) throw await manifestRefusal(session, tagOrDigest, answer)
  const digest = header(answer, 'docker-content-digest')
  const size = Number(header(answer, 'content-length'))
  const mediaType = plainType(header(answer, 'content-type') ?? '')
  const complete =
    answer.status === 200 &&
    digest !== undefined &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    size > 0 &&
    mediaType !== ''
  if (!complete) return (await getManifest(session, tagOrDigest, signal)).descriptor
  if (isDigest(tagOrDigest) && digest !== tagOrDigest) throw new DigestMismatch(tagOrDigest, digest)
  return { mediaType: supported(mediaType), digest, size }
}

async function manifestRefusal(session: Session, tagOrDigest: string, answer: HttpResponse) {
  const { registry, repository } = session.reference
  const named = isDigest(tagOrDigest) ? { digest: tagOrDigest } : { tag: tagOrDigest }
  const unknown = new ManifestUnknown({ registry, repository, ...named })
  return refusal(answer, session.reference, (code) => (code === 'NAME_UNKNOWN' ? undefined : unknown))
}

/** Of the raw bytes, against what was asked for, or else what the registry says of them. */
function verifiedDigest(bytes: Buffer, tagOrDigest: string, answer: HttpResponse): Digest {
  const said = header(answer, 'docker-content-digest')
  const wanted = isDigest(tagOrDigest) ? tagOrDigest : said !== undefined && isDigest(said) ? said : undefined
  if (wanted === undefined) return digestOf(bytes)
  const algorithm = digestAlgorithm(wanted)
  const found = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
  if (found !== wanted) throw new DigestMismatch(wanted, found)
  return wanted
}

/** Header and content must agree: a client that believes one and a client that believes the other would see two images. */
function manifestType(bytes: Buffer, answer: HttpResponse): string {
  let parsed: { mediaType?: unknown; schemaVersion?: unknown; manifests?: unknown }
  try {
    parsed = JSON.parse(bytes.toString('utf8')) as typeof parsed
  } catch (cause) {
    throw new RegistryFault(answer.url.host, 'sent a manifest that is no JSON', { cause })
  }
  if (typeof parsed !== 'object' || parsed === null)
    throw new RegistryFault(answer.url.host, 'sent a manifest that is no object')
  if (parsed.schemaVersion === 1) throw schema1()
  const declared = plainType(header(answer, 'content-type') ?? '')
  const own = typeof parsed.mediaType === 'string' ? parsed.mediaType : undefined
  const generic =
    declared === '' ||
    declared === 'application/json' ||
    declared === 'text/plain' ||
    declared === 'application/octet-stream'
  if (own !== undefined && !generic && own !== declared)
    throw new RegistryFault(answer.url.host, `says the manifest is ${declared}, the manifest says ${own}`)
  const guess = Array.isArray(parsed.manifests) ? OCI_INDEX : OCI_MANIFEST
  return supported(own ?? (generic ? guess : declared))
}

function supported(mediaType: string): string {
  if (/manifest\.v1\+(?:prettyjws|json)$/.test(mediaType) && mediaType.includes('docker')) throw schema1()
  if (!ACCEPT.split(', ').includes(mediaType)) throw new UnsupportedManifest(mediaType)
  return mediaType
}

function schema1(): UnsupportedManifest {
  return new UnsupportedManifest(
    'schema 1',
    'it was pushed with a docker older than 1.10: push the image again with a newer one',
  )
}

function plainType(value: string): string {
  return (value.split(';')[0] ?? '').trim().toLowerCase()
}

export function header(answer: HttpResponse, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}

export async function putManifest(
  session: Session,
  tagOrDigest: string,
  { bytes, mediaType, signal }: { bytes: Uint8Array; mediaType: string; signal: AbortSignal | undefined },
): Promise<Digest> {
  const answer = await session.send({
    method: 'PUT',
    path: `manifests/${tagOrDigest}`,
    headers: { 'content-type': mediaType },
    body: () => bytes,
    signal,
  })
  if (answer.status !== 201 && answer.status !== 200 && answer.status !== 202)
    throw await refusal(answer, session.reference)
  drain(answer)
  const stored = header(answer, 'docker-content-digest')
  const digest = digestOf(bytes)
  if (stored?.startsWith('sha256:') && stored !== digest) throw new DigestMismatch(digest, stored)
  return digest
}
