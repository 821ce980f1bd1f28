/** An OCI layout in a directory of the user's: what is in it may have come from anywhere. */
import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CoracleError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { OCI_INDEX } from '../oci/media-types.ts'
import { readRegularFile } from '../util/read-regular-file.ts'
import { ArchiveInvalid } from './errors.ts'
import { parseIndex } from './manifest.ts'

export const REF_NAME = 'org.opencontainers.image.ref.name'
const MAX_INDEX_BYTES = 4 << 20

/** What is thrown of a directory that is no layout. */
type Invalid = new (message: string, options?: ErrorOptions) => CoracleError

/**
 * The list of what is in it.
 *
 * @returns undefined: there is none @throws {Invalid} @throws {ManifestInvalid}
 */
export function readLayoutIndex(directory: string, Invalid: Invalid): readonly Descriptor[] | undefined {
  const bytes = readBytes(join(directory, 'index.json'), Invalid)
  if (bytes === undefined) return undefined
  if (bytes === 'no file') throw new Invalid(`the index.json of ${directory} is no file`)
  if (bytes === 'too large') throw new Invalid(`the index.json of ${directory} is too large`)
  return parseIndex(bytes, 'index.json').manifests
}

function readBytes(path: string, Invalid: Invalid): ReturnType<typeof readRegularFile> | undefined {
  try {
    return readRegularFile(path, MAX_INDEX_BYTES)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new Invalid(message, { cause: error })
  }
}

/** Held while something is put there: each adds to the list that it has found. */
export const layoutLock = (directory: string): string => `layout:${resolve(directory)}`

/**
 * Notes what has been put there; what was there stays, but is called by the names of the new entries no longer. The caller holds
 * `layoutLock`.
 *
 * @throws {Invalid}
 */
export async function addToLayout(
  directory: string,
  entries: readonly Descriptor[],
  Invalid: Invalid = ArchiveInvalid,
): Promise<void> {
  const before = readLayoutIndex(directory, Invalid) ?? []
  const names = new Set(entries.map(nameOf))
  const others = before.filter((one) =>
    nameOf(one) === undefined ? entries.every(({ digest }) => digest !== one.digest) : !names.has(nameOf(one)),
  )
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...others, ...entries] }
  const files = { 'oci-layout': { imageLayoutVersion: '1.0.0' }, 'index.json': index }
  for (const [name, document] of Object.entries(files))
    await placeFile(join(directory, name), (temporary) => writeFile(temporary, JSON.stringify(document)))
}

const nameOf = ({ annotations }: Descriptor): string | undefined => annotations?.[REF_NAME]

/** Under a name of its own first: a reader sees whole files alone. */
export async function placeFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await write(temporary)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}
