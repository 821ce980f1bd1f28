/** A cache in a directory: an OCI layout, which may hold others beside it. */
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { sizeOf } from '../../images/blobs.ts'
import type { BuildStore } from '../../images/building.ts'
import { addToLayout, placeFile, REF_NAME } from '../../images/layout-directory.ts'
import { layoutPath } from '../../images/write-tar.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { makeDirectories } from '../../util/make-directories.ts'
import { CacheInvalid, CacheUnwritten } from '../errors.ts'

export interface CacheContent {
  readonly config: Document
  readonly blobs: readonly Descriptor[]
  readonly manifest: Document
}

interface Document {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

interface Place {
  readonly dest: string
  /** By what name it is found again. */
  readonly tag: string
}

interface Options {
  readonly store: BuildStore
  readonly signal: AbortSignal
}

/** What is there stays; another cache of the same tag is named no longer. @throws {CacheUnwritten} */
export async function writeLayout(
  { dest, tag }: Place,
  { config, blobs, manifest }: CacheContent,
  { store, signal }: Options,
): Promise<void> {
  try {
    makeDirectories(join(dest, 'blobs', 'sha256'))
    for (const blob of blobs) {
      const path = join(dest, layoutPath(blob))
      if ((await sizeOf(path)) === blob.size) continue
      await placeFile(path, async (temporary) =>
        pipeline(await store.remote.read(blob, { offset: 0, signal }), createWriteStream(temporary), { signal }),
      )
    }
    for (const { descriptor, bytes } of [config, manifest])
      await placeFile(join(dest, layoutPath(descriptor)), (temporary) => writeFile(temporary, bytes))
    await addToLayout(dest, [{ ...manifest.descriptor, annotations: { [REF_NAME]: tag } }], CacheInvalid)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException & { syscall?: string }
    if (signal.aborted || code === undefined || !('syscall' in (error as object))) throw error
    throw new CacheUnwritten(`the cache cannot be written to ${dest}: ${message}`, { cause: error })
  }
}
