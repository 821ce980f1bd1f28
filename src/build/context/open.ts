/** The build context and the Dockerfile, wherever they come from. */
import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { extractTar } from '../../archive/extract-tar.ts'
import { openApplier } from '../../linux/apply.ts'
import type { Paths } from '../../paths.ts'
import { isHeader } from '../copy/archive-kind.ts'
import { withOwner } from '../copy/extract.ts'
import { ContextUnreadable } from '../errors.ts'
import { ignoreFileNames, parseIgnoreFile } from '../ignore/ignore-file.ts'
import { IgnoreMatcher } from '../ignore/matcher.ts'
import { makeScratch, type Scratch } from '../scratch.ts'
import type { Sources } from '../sources/open.ts'
import type { BuildRequest } from '../types.ts'
import { insideOf, lookAt, readAll, readDockerfile, readSmall, usualDockerfile } from './dockerfile.ts'

export interface OpenedContext {
  /** undefined: there is none, only a Dockerfile. */
  readonly root: string | undefined
  /** The same for the same files: they came in an archive, and belong to whom it says. */
  readonly archive?: string
  readonly ignore: IgnoreMatcher
  readonly dockerfile: Uint8Array
  /** As the user knows it. */
  readonly name: string
  /** When it was made, in seconds since 1970: of a commit, of what is behind a URL; undefined: nobody knows. */
  readonly timeSeconds?: () => Promise<number | undefined>
}

export interface Opening {
  readonly paths: Paths
  /** Takes what has to go when the build has ended. */
  readonly cleanup: AsyncDisposableStack
  readonly sources: Sources
  readonly onStatus: (text: string) => void
}

/** @throws {ContextUnreadable} @throws {SourceFailed} it is elsewhere, and cannot be had */
export async function openContext(request: BuildRequest, opening: Opening): Promise<OpenedContext> {
  const { context, file } = request
  if (context === '-') return openInput(request, opening)
  if (lookAt(context)?.isDirectory() !== true && isElsewhere(context)) {
    const { openRemote } = await import('./remote.ts')
    return openRemote(request, opening)
  }
  const root = directoryOf(context)
  if (file === '-') return inDirectory(root, { bytes: await readAll(request.input), name: '-', path: undefined })
  if (file !== undefined && isElsewhere(file)) {
    const { fetchDockerfile } = await import('./remote.ts')
    return inDirectory(root, { ...(await fetchDockerfile(file, request, opening)), path: undefined })
  }
  const path = file === undefined ? usualDockerfile(root) : resolve(file)
  return inDirectory(root, { bytes: readDockerfile(path, file), name: basename(path), path })
}

/** An address, of whatever kind. */
function isElsewhere(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/|^github\.com\/|^[\w-]+@[\w.-]+:/i.test(text)
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

/** `-`: a Dockerfile, or a tar of a context with one. */
async function openInput({ input, file }: BuildRequest, { paths, cleanup }: Opening): Promise<OpenedContext> {
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

async function unpack(stream: Readable, scratch: Scratch): Promise<string> {
  const root = join(scratch.path, 'context')
  mkdirSync(root)
  await using applier = openApplier(root)
  // Files of a context belong to root in the end; until then to whoever builds, who could not give them away.
  const own = withOwner(applier, { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 })
  await extractTar(stream, own, { place: (path) => path, onBytes: () => {}, signal: undefined })
  await applier.finish()
  return root
}
