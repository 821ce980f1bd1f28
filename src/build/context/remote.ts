/** A build context that is elsewhere: a repository, an archive, or a Dockerfile alone. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { OCI_LAYER } from '../../oci/media-types.ts'
import { parseBool } from '../../util/truth.ts'
import { archiveKind, compressionOf, openArchive } from '../copy/archive-kind.ts'
import { ContextUnreadable, SourceFailed } from '../errors.ts'
import { IgnoreMatcher } from '../ignore/matcher.ts'
import { parseBuildArgs } from '../parse-request.ts'
import { makeScratch } from '../scratch.ts'
import { type GitSource, parseGitSource } from '../sources/git-url.ts'
import type { HttpFile } from '../sources/http-source.ts'
import { shownAddress, shownUrl } from '../sources/shown.ts'
import type { BuildRequest } from '../types.ts'
import { insideOf, MAX_DOCKERFILE_BYTES, readAll, readDockerfile } from './dockerfile.ts'
import type { OpenedContext, Opening } from './open.ts'

const HTTP = /^https?:\/\//i

/**
 * As BuildKit has it no ignore file counts there: whoever publishes a context has chosen what is in it.
 *
 * @throws {SourceFailed} @throws {ContextUnreadable} @throws {InvalidArgument} an address that cannot be meant
 */
export async function openRemote(request: BuildRequest, opening: Opening): Promise<OpenedContext> {
  const { context } = request
  const git = parseGitSource(context, { github: true })
  if (git !== undefined) return openGit(git, request, opening)
  if (HTTP.test(context)) return openUrl(request, opening)
  throw new ContextUnreadable(
    `unable to prepare context: ${shownAddress(context).slice(0, 200)} is no address that can be built from`,
    {
      hint: 'contexts are directories, git repositories (https, ssh, git), and archives or Dockerfiles behind http(s) URLs',
    },
  )
}

async function openGit(source: GitSource, request: BuildRequest, opening: Opening): Promise<OpenedContext> {
  const { signal } = request
  const args = parseBuildArgs(request)
  const keep = parseBool(args.get('BUILDKIT_CONTEXT_KEEP_GIT_DIR') ?? '') === true
  const { directory, committedAt } = await opening.sources.git(source, {
    signal,
    onStatus: opening.onStatus,
    keepGitDirectory: source.keepGitDirectory === true || keep,
    // Otherwise the times are those of the checkout, and no two images are the same.
    commitTimes: source.commitTimes || (args.get('SOURCE_DATE_EPOCH') ?? '') !== '',
  })
  const timeSeconds = async () => committedAt
  return { root: directory, timeSeconds, ...NOTHING_IGNORED, ...(await dockerfileIn(directory, request, opening)) }
}

const NOTHING_IGNORED = { ignore: new IgnoreMatcher([]) }

interface Found {
  readonly dockerfile: Uint8Array
  readonly name: string
}

/** `-f` names one below the context, one of the host by its whole path, one behind a URL, or standard input. */
async function dockerfileIn(root: string, request: BuildRequest, opening: Opening): Promise<Found> {
  const { file = 'Dockerfile', input } = request
  if (file === '-') return { dockerfile: await readAll(input), name: '-' }
  if (HTTP.test(file)) {
    const { bytes, name } = await fetchDockerfile(file, request, opening)
    return { dockerfile: bytes, name }
  }
  if (isAbsolute(file)) return { dockerfile: readDockerfile(file, file), name: basename(file) }
  return { dockerfile: readDockerfile(insideOf(root, file), file), name: file }
}

/** @throws {SourceFailed} @throws {ContextUnreadable} */
export async function fetchDockerfile(
  url: string,
  { signal }: BuildRequest,
  { sources, onStatus }: Opening,
): Promise<{ readonly bytes: Uint8Array; readonly name: string }> {
  if (!HTTP.test(url)) throw new ContextUnreadable(`${shownAddress(url).slice(0, 200)} is no address of a Dockerfile`)
  const limit = () => MAX_DOCKERFILE_BYTES
  const { path } = await sources.http(url, { signal, onStatus, limit })
  return { bytes: refusePage(readDockerfile(path, shownAddress(url)), url), name: 'Dockerfile' }
}

/** An archive is a context, anything else a Dockerfile. */
async function openUrl(request: BuildRequest, opening: Opening): Promise<OpenedContext> {
  const { context, signal } = request
  const { sources, onStatus, cleanup, paths } = opening
  const limit = (head: Buffer) => (compressionOf(head) === undefined ? MAX_DOCKERFILE_BYTES : undefined)
  const file = await sources.http(context, { signal, onStatus, limit })
  if ((await archiveKind(file.path)) !== undefined) {
    const root = await sources.unpacked(file, { signal, onStatus })
    const timeSeconds = async () => modifiedAt(file) ?? (await newestIn(file, signal))
    const found = await dockerfileIn(root, request, opening)
    return { root, archive: file.digest, timeSeconds, ...NOTHING_IGNORED, ...found }
  }
  const dockerfile = refusePage(readDockerfile(file.path, shownAddress(context)), context)
  const root = join(cleanup.use(makeScratch(paths)).path, 'context')
  mkdirSync(root)
  // Its name in there is BuildKit's.
  copyFileSync(file.path, join(root, 'context'))
  return { root, timeSeconds: async () => modifiedAt(file), ...NOTHING_IGNORED, dockerfile, name: 'Dockerfile' }
}

/** As the server says. */
function modifiedAt({ mtimeSeconds }: HttpFile): number | undefined {
  return mtimeSeconds === 0 ? undefined : mtimeSeconds
}

/** The latest time that an entry of the archive has. */
async function newestIn({ path }: HttpFile, signal: AbortSignal): Promise<number | undefined> {
  const { readLayerEntries } = await import('../../images/layers/read-entries.ts')
  const stream = openArchive({ path, compression: (await archiveKind(path)) ?? 'none' })
  let newest: number | undefined
  try {
    for await (const { mtimeSeconds } of readLayerEntries(stream, { mediaType: OCI_LAYER, signal }))
      newest = Math.max(newest ?? 0, mtimeSeconds)
  } finally {
    stream.destroy()
  }
  return newest
}

/** No Dockerfile begins with this, but every page that a server shows instead. */
function refusePage(bytes: Uint8Array, url: string): Uint8Array {
  if (!/^\s*</.test(Buffer.from(bytes.subarray(0, 512)).toString())) return bytes
  throw new SourceFailed(`${shownUrl(new URL(url))} is a web page: no Dockerfile and no archive`)
}
