/** Caches elsewhere, read: what steps they know, and where their layers can be had. */
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildStore } from '../../images/building.ts'
import { readLayoutIndex } from '../../images/layout-directory.ts'
import { parseConfig, parseIndex, parseManifest, parseObject } from '../../images/manifest.ts'
import { isAttestation, platformMatches } from '../../images/platform.ts'
import { readSmall } from '../../images/read-small.ts'
import type { BlobSource } from '../../images/remote-layers.ts'
import type { Descriptor, Manifest, Platform } from '../../oci/descriptor.ts'
import { type Digest, digestHex } from '../../oci/digest.ts'
import { isIndex } from '../../oci/media-types.ts'
import { parseReference, tagOrDigest } from '../../oci/reference.ts'
import { CacheInvalid } from '../errors.ts'
import {
  BUILDKIT_CONFIG,
  CACHE_CONFIG,
  INLINE_KEY,
  MAX_CACHE_LAYERS,
  pairLayers,
  readDocument,
  type SharedStep,
} from './document.ts'
import type { CacheFrom } from './parse-flags.ts'

export interface SourceOptions {
  readonly store: BuildStore
  /** Those that are built for. */
  readonly platforms: readonly Platform[]
  readonly signal: AbortSignal
}

export interface CacheSource {
  readonly blobs: BlobSource
  readonly steps: readonly SharedStep[]
}

/** @throws {CacheInvalid} @throws {CoracleError} it cannot be reached, or is not there */
export function readSource(from: CacheFrom, options: SourceOptions): Promise<CacheSource> {
  return from.type === 'registry' ? readRegistry(from, options) : readDirectory(from, options)
}

/** A manifest by its digest; its bytes are verified. */
type FindManifest = (descriptor: Descriptor) => Promise<Uint8Array>

async function readRegistry(
  { ref }: Extract<CacheFrom, { type: 'registry' }>,
  { store, platforms, signal }: SourceOptions,
): Promise<CacheSource> {
  const repository = store.repository(ref, 'pull')
  const answer = await repository.getManifest(tagOrDigest(parseReference(ref)), signal)
  const find: FindManifest = async ({ digest }) => (await repository.getManifest(digest, signal)).bytes
  const steps = await readManifests(answer, { blobs: repository, find, platforms, signal })
  return { blobs: repository, steps }
}

/** An OCI layout. The directory is the user's, but what is in it may have come from anywhere. */
async function readDirectory(
  { src, tag, digest }: Extract<CacheFrom, { type: 'local' }>,
  { platforms, signal }: SourceOptions,
): Promise<CacheSource> {
  const blobs = directorySource(src)
  const manifests = readLayoutIndex(src, CacheInvalid)
  if (manifests === undefined) throw new CacheInvalid(`${src} holds none`)
  const named = manifests.find((one) =>
    digest === undefined ? one.annotations?.['org.opencontainers.image.ref.name'] === tag : one.digest === digest,
  )
  const chosen = named ?? (digest === undefined && manifests.length === 1 ? manifests[0] : undefined)
  if (chosen === undefined) throw new CacheInvalid(`${src} holds nothing called ${digest ?? tag}`)
  const find: FindManifest = (descriptor) => readSmall(blobs, descriptor, signal)
  const answer = { descriptor: chosen, bytes: await find(chosen) }
  return { blobs, steps: await readManifests(answer, { blobs, find, platforms, signal }) }
}

/** Blobs by their digest. */
function directorySource(directory: string): BlobSource {
  return {
    getBlob: async ({ digest }, { offset = 0 } = {}) => {
      const [algorithm = ''] = digest.split(':')
      const path = join(directory, 'blobs', algorithm, digestHex(digest))
      const file = await openBlob(path, digest)
      return createReadStream(path, { fd: file, start: offset, highWaterMark: 1 << 20 })
    },
  }
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/** No link, and no pipe that would be waited for. */
async function openBlob(path: string, digest: Digest): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    throw new CacheInvalid(`content ${digest} is not there`, { cause: error })
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new CacheInvalid(`content ${digest} is no file`)
}

interface Reading {
  readonly blobs: BlobSource
  readonly find: FindManifest
  readonly platforms: readonly Platform[]
  readonly signal: AbortSignal
}

/** Each is read for its inline cache. */
const MAX_IMAGES = 16

async function readManifests(
  { descriptor, bytes }: { readonly descriptor: Descriptor; readonly bytes: Uint8Array },
  reading: Reading,
): Promise<readonly SharedStep[]> {
  if (!isIndex(descriptor.mediaType)) return readManifest(bytes, descriptor, reading)
  const { manifests } = parseIndex(bytes, descriptor.digest)
  if (manifests.some(({ mediaType }) => mediaType === BUILDKIT_CONFIG)) throw ofBuildKit()
  const images = manifests.filter(
    (one) => !isAttestation(one) && reading.platforms.some((wanted) => isFor(one, wanted)),
  )
  const steps: SharedStep[] = []
  for (const image of images.slice(0, MAX_IMAGES))
    steps.push(...(await readManifest(await reading.find(image), image, reading)))
  return steps
}

function isFor({ platform }: Descriptor, wanted: Platform): boolean {
  return platform === undefined || platformMatches(wanted, platform)
}

async function readManifest(
  bytes: Uint8Array,
  { digest }: Descriptor,
  { blobs, signal }: Reading,
): Promise<readonly SharedStep[]> {
  const manifest = parseManifest(bytes, digest, MAX_CACHE_LAYERS)
  const { mediaType } = manifest.config
  if (mediaType === BUILDKIT_CONFIG) throw ofBuildKit()
  const config = await readSmall(blobs, manifest.config, signal)
  return mediaType === CACHE_CONFIG ? readOwn(config, manifest) : readInline(config, manifest)
}

function readOwn(bytes: Uint8Array, { config, layers }: Manifest): readonly SharedStep[] {
  const document = parseObject(bytes, `cache ${config.digest}`)
  return readDocument(document, pairLayers(layers, document['layers']))
}

/** An image without one is no mistake: an older build, or somebody else's. */
function readInline(bytes: Uint8Array, { config, layers }: Manifest): readonly SharedStep[] {
  const document = parseObject(bytes, `config ${config.digest}`)[INLINE_KEY]
  if (document === undefined) return []
  return readDocument(document, pairLayers(layers, parseConfig(bytes, config.digest).rootfs.diff_ids))
}

function ofBuildKit(): CacheInvalid {
  return new CacheInvalid('BuildKit wrote it, which calls steps by other keys', {
    hint: 'export one with --cache-to to another reference',
  })
}
