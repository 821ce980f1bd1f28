/** An image of an OCI layout in a directory, as the base of a build: its layers come into the store, its name does not. */
import { createReadStream, statSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Descriptor, Platform } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import { isIndex, isManifest } from '../oci/media-types.ts'
import { hasBlob, MAX_SMALL_BLOB_BYTES } from './blobs.ts'
import type { Commit } from './commit.ts'
import type { ImageContext } from './context.ts'
import { ArchiveInvalid, PlatformMissing } from './errors.ts'
import type { Lease } from './leases.ts'
import { parseIndex, parseManifest } from './manifest.ts'
import { availablePlatforms, choosePlatform, formatPlatform, isAttestation } from './platform.ts'
import { type Spooled, spool } from './spool.ts'
import { storeLoaded } from './store-loaded.ts'
import { layoutPath } from './write-tar.ts'

export interface LayoutImage {
  /** Of the directory with `index.json`. */
  readonly path: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

const MAX_DEPTH = 3

/**
 * Nothing becomes an image: what is not leased goes with the next collection.
 *
 * @throws {ArchiveInvalid} it is no layout, or lacks the image @throws {PlatformMissing} @throws {BlobMismatch}
 */
export async function loadLayoutBase(
  context: ImageContext,
  lease: Lease,
  { image, platform }: { readonly image: LayoutImage; readonly platform: Platform },
): Promise<Commit> {
  const { path } = image
  const index = parseIndex(await readSmall(join(path, 'index.json'), `the OCI layout ${path}`), 'index.json')
  const descriptor = await manifestOf(path, chooseEntry(index.manifests, image), platform)
  const bytes = await readBlob(path, descriptor)
  const { config, layers } = parseManifest(bytes, descriptor.digest)
  const files = new Map<string, Spooled>()
  try {
    for (const blob of [config, ...layers]) {
      lease.add('blob', [blob.digest])
      if (files.has(blob.digest) || (await hasBlob(context.paths, blob))) continue
      const from = fileOf(join(path, layoutPath(blob)), `content ${blob.digest}`)
      files.set(blob.digest, await spool(context.paths, 'layout', createReadStream(from, { highWaterMark: 1 << 19 })))
    }
    const find = (blob: Descriptor) => files.get(blob.digest)
    return await storeLoaded(context, { lease, options: {} }, { descriptor, bytes, find })
  } finally {
    // What has been adopted has another name by now.
    for (const file of files.values()) await rm(file.path, { force: true })
  }
}

function chooseEntry(entries: readonly Descriptor[], { path, tag, digest }: LayoutImage): Descriptor {
  const named = ({ annotations = {} }: Descriptor) => annotations['org.opencontainers.image.ref.name'] === tag
  const found =
    digest === undefined ? entries.find(named) : (entries.find((entry) => entry.digest === digest) ?? undefined)
  // Of a layout of one image nobody has to know the tag that its maker has chosen; `latest` is what nobody has written.
  const only = tag === 'latest' && entries.length === 1 ? entries[0] : undefined
  const chosen = found ?? only
  if (chosen !== undefined) return chosen
  const tags = entries.flatMap(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] ?? [])
  throw new ArchiveInvalid(`the OCI layout ${path} has no image ${digest ?? tag}`, {
    hint: tags.length === 0 ? 'name it by its digest: DIRECTORY@sha256:…' : `its tags: ${tags.slice(0, 20).join(', ')}`,
  })
}

async function manifestOf(path: string, entry: Descriptor, platform: Platform, depth = 0): Promise<Descriptor> {
  if (isManifest(entry.mediaType)) return entry
  if (!isIndex(entry.mediaType) || depth >= MAX_DEPTH)
    throw new ArchiveInvalid(`the OCI layout holds something of the unknown type ${entry.mediaType}`)
  const { manifests } = parseIndex(await readBlob(path, entry), entry.digest)
  const images = manifests.filter((one) => !isAttestation(one))
  const chosen = choosePlatform(images, platform)
  if (chosen === undefined)
    throw new PlatformMissing(`the OCI layout ${path}`, formatPlatform(platform), availablePlatforms(images))
  return manifestOf(path, chosen, platform, depth + 1)
}

/** A small document, that is what its digest says. */
async function readBlob(path: string, blob: Descriptor): Promise<Buffer> {
  const bytes = await readSmall(join(path, layoutPath(blob)), `content ${blob.digest}`)
  if (blob.digest.startsWith('sha256:') && digestOf(bytes) === blob.digest) return bytes
  throw new ArchiveInvalid(`the OCI layout holds another content than ${blob.digest}`)
}

async function readSmall(path: string, what: string): Promise<Buffer> {
  const file = fileOf(path, what)
  if (statSync(file).size > MAX_SMALL_BLOB_BYTES) throw new ArchiveInvalid(`${what} is too large`)
  return readFile(file)
}

function fileOf(path: string, what: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  throw new ArchiveInvalid(`${what} is not there: ${path} is no file`)
}
