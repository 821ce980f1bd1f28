/** The content store: files named by their digest, complete and verified, or they are not there. */
import { createHash, type Hash } from 'node:crypto'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from '../oci/digest.ts'
import type { Paths } from '../paths.ts'
import { DiskFull, isDiskFull } from '../state/disk-full.ts'
import { BlobMismatch, BlobMissing } from './errors.ts'

/** Where content with this digest is, or would be. Safe with any digest, because a `Digest` has been checked. */
export function blobPath(paths: Paths, digest: Digest): string {
  return join(paths.root, 'blobs', digestAlgorithm(digest), digestHex(digest))
}

/** Where a download of it grows. It stays after an interruption, for the next command to go on with. */
export function partialPath(paths: Paths, digest: Digest): string {
  return join(partialDirectory(paths), digestHex(digest))
}

export function partialDirectory(paths: Paths): string {
  return join(paths.root, 'blobs', 'partial')
}

/** Makes the directories of the store. Idempotent. */
export function createBlobDirectories(paths: Paths): void {
  for (const name of ['sha256', 'sha512', 'partial']) {
    mkdirSync(join(paths.root, 'blobs', name), { recursive: true, mode: 0o700 })
  }
}

export async function hasBlob(paths: Paths, blob: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean> {
  return (await sizeOf(blobPath(paths, blob.digest))) === blob.size
}

/** The same at once, for where many are asked for: to wait for each takes longer than to look. */
export function hasBlobNow(paths: Paths, blob: Pick<Descriptor, 'digest' | 'size'>): boolean {
  return statSync(blobPath(paths, blob.digest), { throwIfNoEntry: false })?.size === blob.size
}

/** Size of a file in bytes; undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * A small blob (manifest, index, config), verified.
 *
 * @throws {BlobMissing} the store has no such content
 * @throws {BlobMismatch} the file has been changed
 */
export async function readBlob(paths: Paths, digest: Digest, image: string): Promise<Uint8Array> {
  let file: FileHandle
  try {
    file = await open(blobPath(paths, digest))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new BlobMissing(digest, image, { cause: error as Error })
    throw error
  }
  await using _ = file
  const { size } = await file.stat()
  const blob = { mediaType: '', digest, size }
  if (size > MAX_SMALL_BLOB_BYTES) throw new BlobMismatch(blob, `more than ${MAX_SMALL_BLOB_BYTES} bytes`)
  const bytes = await file.readFile()
  const found = digestWith(digest, bytes)
  if (found !== digest) throw new BlobMismatch(blob, found)
  return bytes
}

/** Manifests, indexes and configs are held in memory: none may be larger. */
export const MAX_SMALL_BLOB_BYTES = 16 * 1024 * 1024

/** Stores bytes that are in memory already. Atomic and idempotent. */
export async function storeBytes(paths: Paths, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
  await storeVerified(paths, descriptor, bytes)
  return descriptor
}

/** The same where the digest is given and may be of another algorithm. @throws {BlobMismatch} */
export async function storeVerified(paths: Paths, blob: Descriptor, bytes: Uint8Array): Promise<void> {
  const found = digestWith(blob.digest, bytes)
  if (found !== blob.digest || bytes.byteLength !== blob.size) {
    throw new BlobMismatch(blob, `${found} (${bytes.byteLength} bytes)`)
  }
  if (await hasBlob(paths, blob)) return
  const temporary = temporaryPath(paths, blob.digest)
  try {
    await using file = await open(temporary, 'wx', 0o600)
    await file.writeFile(bytes)
    await file.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw translateFull(error, temporary, bytes.byteLength)
  }
  await publishBlob(paths, temporary, blob.digest)
}

let counter = 0

/** A name of a file that only this operation writes; the pid lets others see whether its writer still lives. */
export function temporaryPath(paths: Paths, label: string): string {
  return join(
    partialDirectory(paths),
    `.${process.pid}.${counter++}.${label.replaceAll(/[^0-9a-z]/g, '').slice(-16)}.tmp`,
  )
}

/** Moves complete, verified and synced content to its place. The directory is synced too: a name must survive a power cut. */
export async function publishBlob(paths: Paths, from: string, digest: Digest): Promise<void> {
  const path = blobPath(paths, digest)
  await rename(from, path)
  await using directory = await open(join(path, '..'))
  await directory.sync()
}

export function hashFor(digest: Digest): Hash {
  return createHash(digestAlgorithm(digest))
}

function digestWith(like: Digest, bytes: Uint8Array): Digest {
  return finishDigest(like, hashFor(like).update(bytes))
}

export function finishDigest(like: Digest, hash: Hash): Digest {
  return parseDigest(`${digestAlgorithm(like)}:${hash.digest('hex')}`)
}

/** Every digest the store holds. Synchronous, because collection asks inside a transaction. */
export function listBlobs(paths: Paths): readonly Digest[] {
  return (['sha256', 'sha512'] as const).flatMap((algorithm) =>
    readdirSync(join(paths.root, 'blobs', algorithm))
      .map((name) => `${algorithm}:${name}`)
      .filter(isDigest),
  )
}

/** `ENOSPC`, `EDQUOT` and a database that cannot grow become an error that says where and how much; all else stays. */
export function translateFull(error: unknown, path: string, neededBytes: number): unknown {
  return isDiskFull(error) ? new DiskFull(path, neededBytes, { cause: error }) : error
}
