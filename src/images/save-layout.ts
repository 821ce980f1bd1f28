/** An image as an OCI layout in a directory: the files that `save` would put into its tar. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { acquireLock } from '../state/lock.ts'
import { makeDirectories } from '../util/make-directories.ts'
import { sizeOf } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { ArchiveInvalid } from './errors.ts'
import { addToLayout, layoutLock, placeFile } from './layout-directory.ts'
import { type SaveOptions, withSaved } from './save.ts'

/**
 * The directory is made where it is missing; what is there stays.
 *
 * @throws {ImageNotFound} @throws {ArchiveInvalid} it cannot be written, or holds something else by a name of the layout's
 */
export async function saveLayout(
  context: ImageContext,
  names: readonly string[],
  { directory, ...options }: SaveOptions & { readonly directory: string },
): Promise<void> {
  const { signal } = options
  try {
    await withSaved(context, names, options, async ({ blobs, index }) => {
      makeDirectories(join(directory, 'blobs', 'sha256'))
      for (const { path, sizeBytes, open } of blobs) {
        const place = join(directory, path)
        if ((await sizeOf(place)) === sizeBytes) continue
        await placeFile(place, (temporary) =>
          pipeline(Readable.from(open(), { objectMode: false }), createWriteStream(temporary), { signal }),
        )
      }
      using _ = await acquireLock(context.database, layoutLock(directory), { signal })
      await addToLayout(directory, index)
    })
  } catch (error) {
    const { code, message, path } = error as NodeJS.ErrnoException
    if (signal?.aborted === true || code === undefined || path?.startsWith(directory) !== true) throw error
    throw new ArchiveInvalid(`cannot write the OCI layout ${directory}: ${message}`, { cause: error })
  }
}
