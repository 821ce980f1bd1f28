/** The list of what is in an OCI layout. The directory is the user's, but what is in it may have come from anywhere. */
import { join } from 'node:path'
import { parseIndex } from '../../images/manifest.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { readRegularFile } from '../../util/read-regular-file.ts'
import { CacheInvalid } from '../errors.ts'

const MAX_INDEX_BYTES = 4 << 20

/** @returns undefined: there is none @throws {CacheInvalid} @throws {ManifestInvalid} */
export function readLayoutIndex(directory: string): readonly Descriptor[] | undefined {
  const bytes = readBytes(join(directory, 'index.json'))
  if (bytes === undefined) return undefined
  if (bytes === 'no file') throw new CacheInvalid(`the index.json of ${directory} is no file`)
  if (bytes === 'too large') throw new CacheInvalid(`the index.json of ${directory} is too large`)
  return parseIndex(bytes, 'index.json').manifests
}

function readBytes(path: string): ReturnType<typeof readRegularFile> | undefined {
  try {
    return readRegularFile(path, MAX_INDEX_BYTES)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new CacheInvalid(message, { cause: error })
  }
}
