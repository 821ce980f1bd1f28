/** Dockerfiles, wherever they are: on the host, below a stranger's directory, or on standard input. */
import { existsSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import { readRegularFile } from '../../util/read-regular-file.ts'
import { ContextUnreadable } from '../errors.ts'

/** More is no Dockerfile. */
export const MAX_DOCKERFILE_BYTES = 16 << 20

/** @throws {ContextUnreadable} it may not be looked at */
export function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR') return undefined
    throw new ContextUnreadable(`cannot read the build context: ${message}`, { cause: error })
  }
}

/** That of a directory where none is named: `Dockerfile`, or `dockerfile` where there is only that. */
export function usualDockerfile(directory: string): string {
  const usual = join(directory, 'Dockerfile')
  const small = join(directory, 'dockerfile')
  return lookAt(usual) === undefined && lookAt(small)?.isFile() === true ? small : usual
}

/** @throws {ContextUnreadable} it is not there, or too large */
export function readDockerfile(path: string, file: string | undefined): Uint8Array {
  if (lookAt(path)?.isFile() !== true)
    throw new ContextUnreadable(
      `failed to read dockerfile: open ${file ?? basename(path)}: no such file or directory`,
      {
        hint: `there is no ${path}; -f names another one`,
      },
    )
  return readSmall(path, 'the Dockerfile')
}

/** @param name - as the user knows it @throws {ContextUnreadable} no file, or too large */
export function readSmall(path: string, name: string): Uint8Array {
  let bytes: ReturnType<typeof readRegularFile>
  try {
    bytes = readRegularFile(path, MAX_DOCKERFILE_BYTES)
  } catch (error) {
    throw new ContextUnreadable(`cannot read ${name}: ${(error as Error).message}`, { cause: error })
  }
  if (bytes === 'too large') throw tooLarge(name)
  if (bytes === 'no file') throw new ContextUnreadable(`cannot read ${name}: it is no file`)
  return bytes
}

const tooLarge = (name: string) => new ContextUnreadable(`${name} is larger than ${MAX_DOCKERFILE_BYTES >> 20} MiB`)

/** @throws {ContextUnreadable} too large */
export async function readAll(input: Readable | undefined): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input ?? []) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > MAX_DOCKERFILE_BYTES) throw tooLarge('the Dockerfile')
  }
  return Buffer.concat(chunks)
}

/** A stranger's archive may hold links that lead anywhere. @throws {ContextUnreadable} */
export function insideOf(root: string, file: string): string {
  const clean = posix.resolve('/', file).slice(1)
  for (const name of [clean, `${clean}.dockerignore`, '.dockerignore']) {
    const path = join(root, name)
    if (existsSync(path) && !realpathSync(path).startsWith(`${realpathSync(root)}/`))
      throw new ContextUnreadable(`${name} leads out of the build context`)
  }
  return join(root, clean)
}
