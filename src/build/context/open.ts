/** The build context and the Dockerfile, wherever they come from. */
import { existsSync, mkdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { extractTar } from '../../archive/extract-tar.ts'
import { openApplier } from '../../linux/apply.ts'
import type { Paths } from '../../paths.ts'
import { readRegularFile } from '../../util/read-regular-file.ts'
import { isHeader } from '../copy/archive-kind.ts'
import { ContextUnreadable } from '../errors.ts'
import { ignoreFileNames, parseIgnoreFile } from '../ignore/ignore-file.ts'
import { IgnoreMatcher } from '../ignore/matcher.ts'
import { makeScratch, type Scratch } from '../scratch.ts'
import type { BuildRequest } from '../types.ts'

export interface OpenedContext {
  /** undefined: there is none, only a Dockerfile. */
  readonly root: string | undefined
  readonly ignore: IgnoreMatcher
  readonly dockerfile: Uint8Array
  /** As the user knows it. */
  readonly name: string
}

/** More is no Dockerfile. */
const MAX_DOCKERFILE_BYTES = 16 << 20

/** @param cleanup - takes what has to go when the build has ended @throws {ContextUnreadable} */
export async function openContext(
  request: BuildRequest,
  paths: Paths,
  cleanup: AsyncDisposableStack,
): Promise<OpenedContext> {
  const { context, file } = request
  if (/^(?:https?|git|ssh):\/\/|^git@/.test(context))
    throw new ContextUnreadable(`a context behind a URL is not supported: ${context}`, {
      hint: 'fetch it first, and build the directory',
    })
  if (context === '-') return openInput(request, paths, cleanup)
  const root = directoryOf(context)
  if (file === '-') return inDirectory(root, { bytes: await readAll(request.input), name: '-', path: undefined })
  const path = file === undefined ? join(root, 'Dockerfile') : resolve(file)
  return inDirectory(root, { bytes: readDockerfile(path, file), name: basename(path), path })
}

/** @throws {ContextUnreadable} it may not be looked at */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR') return undefined
    throw new ContextUnreadable(`cannot read the build context: ${message}`, { cause: error })
  }
}

function directoryOf(context: string): string {
  const stats = lookAt(context)
  if (stats === undefined)
    throw new ContextUnreadable(`unable to prepare context: path ${JSON.stringify(context)} not found`)
  if (!stats.isDirectory())
    throw new ContextUnreadable(`unable to prepare context: ${context} is no directory`, {
      hint: 'the last word of the command is the directory that COPY takes files from; -f names the Dockerfile',
    })
  return realpathSync(context)
}

function readDockerfile(path: string, file: string | undefined): Uint8Array {
  if (lookAt(path)?.isFile() !== true)
    throw new ContextUnreadable(
      `failed to read dockerfile: open ${file ?? basename(path)}: no such file or directory`,
      {
        hint: `there is no ${path}; -f names another one`,
      },
    )
  return readSmall(path, 'the Dockerfile')
}

/** @param name - as the user knows it */
function readSmall(path: string, name: string): Uint8Array {
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

interface Given {
  readonly bytes: Uint8Array
  readonly name: string
  readonly path: string | undefined
}

function inDirectory(root: string, { bytes, name, path }: Given): OpenedContext {
  return { root, ignore: readIgnore(root, path), dockerfile: bytes, name }
}

/** The one beside the Dockerfile, else the context's own. */
function readIgnore(root: string, dockerfile: string | undefined): IgnoreMatcher {
  const names = ignoreFileNames(dockerfile === undefined ? '' : basename(dockerfile))
  for (const { path, of } of names) {
    if (of === 'dockerfile' && dockerfile === undefined) continue
    const whole = join(of === 'context' || dockerfile === undefined ? root : dirname(dockerfile), path)
    if (existsSync(whole)) return new IgnoreMatcher(parseIgnoreFile(readSmall(whole, path)))
  }
  return new IgnoreMatcher([])
}

async function readAll(input: Readable | undefined): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input ?? []) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > MAX_DOCKERFILE_BYTES) throw tooLarge('the Dockerfile')
  }
  return Buffer.concat(chunks)
}

/** `-`: a Dockerfile, or a tar of a context with one. */
async function openInput(
  { input, file }: BuildRequest,
  paths: Paths,
  cleanup: AsyncDisposableStack,
): Promise<OpenedContext> {
  if (input === undefined) throw new ContextUnreadable('there is no standard input to read the context from')
  const { peek, sniffCompression } = await import('../../images/decompress.ts')
  const { head, all } = await peek(input, HEAD_BYTES)
  const isTar = sniffCompression(head.subarray(0, 6)) !== 'none' || isHeader(Buffer.from(head.subarray(0, HEAD_BYTES)))
  const stream = Readable.from(all)
  if (!isTar) return { root: undefined, ignore: new IgnoreMatcher([]), dockerfile: await readAll(stream), name: '-' }
  const scratch = cleanup.use(makeScratch(paths))
  const root = await unpack(stream, scratch)
  const path = insideOf(root, file ?? 'Dockerfile')
  return inDirectory(root, { bytes: readDockerfile(path, file), name: file ?? 'Dockerfile', path })
}

const HEAD_BYTES = 512

/** A stranger's archive may hold links that lead anywhere. @throws {ContextUnreadable} */
function insideOf(root: string, file: string): string {
  for (const name of [file, `${file}.dockerignore`, '.dockerignore']) {
    const path = join(root, name)
    if (existsSync(path) && !realpathSync(path).startsWith(`${realpathSync(root)}/`))
      throw new ContextUnreadable(`${name} leads out of the build context`)
  }
  return join(root, file)
}

async function unpack(stream: Readable, scratch: Scratch): Promise<string> {
  const root = join(scratch.path, 'context')
  mkdirSync(root)
  await using applier = openApplier(root)
  await extractTar(stream, applier, { place: (path) => path, onBytes: () => {}, signal: undefined })
  await applier.finish()
  return root
}
