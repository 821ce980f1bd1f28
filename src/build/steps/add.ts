/** ADD: as COPY, but archives are unpacked, and sources may be URLs. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { StackedLayer } from '../../images/building.ts'
import { byteString, openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { stepKey } from '../cache/key.ts'
import { archiveKind, type Compression } from '../copy/archive-kind.ts'
import { download } from '../copy/download.ts'
import { extractOver } from '../copy/extract.ts'
import { hasPattern } from '../copy/glob.ts'
import { openLanding, resolveInLayers, textOf } from '../copy/landing.ts'
import { resolveOwner } from '../copy/owners.ts'
import { singleFileTree } from '../copy/single-file-tree.ts'
import type { Expanded } from '../dockerfile/expand-instruction.ts'
import { CopyFailed, SourceMissing } from '../errors.ts'
import { makeLayer } from '../layer.ts'
import { freshDirectory, makeScratch } from '../scratch.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import { type CopyRequest, copyStep } from './copy.ts'
import { excluder } from './exclude.ts'
import type { StepOptions } from './options.ts'

type Add = Extract<Expanded, { kind: 'ADD' }>

const URL_LIKE = /^https?:\/\//i
const GIT_LIKE = /^(?:git@|git:\/\/|ssh:\/\/)|^https?:\/\/[^#?]+\.git(?:$|[#?])/i

/** @throws {CopyFailed} sources of several kinds at once, or of one that is not known */
export async function addStep(state: StageState, instruction: Add, options: StepOptions): Promise<Step> {
  const { sources } = instruction
  const git = sources.find((source) => GIT_LIKE.test(source))
  if (git !== undefined)
    throw new CopyFailed(`ADD of a git repository is not supported: ${git}`, {
      hint: 'clone it beside the Dockerfile, or in a RUN step',
    })
  const [only] = sources
  if (only !== undefined && URL_LIKE.test(only)) return addUrl(state, { ...instruction, url: only }, options)
  if (instruction.checksum !== undefined) throw new CopyFailed("checksum can't be specified for non-HTTP(S) sources")
  const archive = await findArchive(instruction, options)
  if (archive !== undefined) return archiveStep(state, { instruction, ...archive }, options)
  return copyStep(state, await plainRequest(instruction, options), options)
}

function requestOf(instruction: Add): Omit<CopyRequest, 'from' | 'sources'> {
  const { files, destination, chown, chmod, link, exclude, code } = instruction
  const shape = { files, destination, chown, chmod, link, exclude }
  return { ...shape, description: code, parents: false, excluded: excluder(exclude), keepsOwners: false }
}

async function plainRequest(instruction: Add, { context }: StepOptions): Promise<CopyRequest> {
  const { sources } = instruction
  const from = sources.length === 0 ? undefined : { tree: await context(), identity: undefined, layers: undefined }
  return { ...requestOf(instruction), sources, from }
}

interface Archive {
  /** On the host. */
  readonly path: string
  readonly compression: Compression
}

/** Several sources, of which some are archives, are rare enough to be refused. */
async function findArchive(instruction: Add, { context }: StepOptions): Promise<Archive | undefined> {
  const { sources, unpack } = instruction
  if (unpack === false || sources.some(hasPattern)) return undefined
  const archives: Archive[] = []
  for (const source of sources) {
    const tree = await context()
    const found = tree.resolve(byteString(posix.resolve('/', source).slice(1)))
    if (found === undefined) throw new SourceMissing(source)
    if (found.isDirectory) continue
    const path = join(tree.source ?? '/', textOf(found.path))
    const compression = archiveKind(path)
    if (compression !== undefined) archives.push({ path, compression })
  }
  if (archives.length > 0 && sources.length > 1)
    throw new CopyFailed('an archive that ADD unpacks must be its only source', { hint: 'write one ADD for each' })
  return archives[0]
}

interface Unpacking extends Archive {
  readonly instruction: Add
}

function archiveStep(state: StageState, unpacking: Unpacking, options: StepOptions): Step {
  const { layers, config } = state
  const { destination, chown, link } = unpacking.instruction
  const target = posix.resolve('/', config.WorkingDir ?? '/', destination)
  const shape = [layers.at(-1)?.chainID ?? '', target, chown ?? null, link, options.settings.epoch ?? null]
  const { path } = unpacking
  const before = stateOf(path)
  return {
    contentKey: async () => stepKey('add-archive', [...shape, await fileDigest(path)]),
    kind: 'add',
    description: unpacking.instruction.code,
    below: layers,
    run: async (doubt) => {
      const layer = await unpack(layers, { ...unpacking, target }, options)
      if (stateOf(path) !== before) doubt()
      return layer
    },
  }
}

/** Another one when the file has been written to, or replaced. */
function stateOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
  return [ino, size, mtimeNs, ctimeNs].join(' ')
}

async function fileDigest(path: string): Promise<string> {
  const { createReadStream } = await import('node:fs')
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

async function unpack(
  below: readonly StackedLayer[],
  { instruction, path, compression, target }: Unpacking & { readonly target: string },
  { room, store, settings, signal }: StepOptions,
): Promise<StackedLayer | undefined> {
  const lower = await store.directories(below)
  await using scratch = makeScratch(room.paths)
  const upper = join(scratch.path, 'upper')
  freshDirectory(upper, lower[0] === undefined ? 0o755 : statSync(lower[0]).mode & 0o7777)
  const owner = instruction.chown === undefined ? undefined : resolveOwner(instruction.chown, lower)
  await using applier = openApplier(upper, { idMaps: userIdMaps() })
  const seen = instruction.link ? [] : lower
  const mtimeSeconds = settings.epoch ?? Math.floor(Date.now() / 1000)
  const landing = openLanding({ lower: seen, applier, owner: owner ?? { uid: 0, gid: 0 }, mtimeSeconds })
  const base = resolveInLayers(seen, target)
  landing.directory(base)
  await extractOver({ path, compression }, { applier, landing, lower: seen, base, owner, signal })
  await applier.finish()
  return await makeLayer(store, { upper, below, lower, epoch: settings.epoch, signal })
}

async function addUrl(
  state: StageState,
  instruction: Add & { readonly url: string },
  options: StepOptions,
): Promise<Step> {
  const { url, checksum } = instruction
  if (instruction.sources.length > 1)
    throw new CopyFailed('ADD takes one URL at a time', { hint: 'write one ADD for each' })
  const scratch = makeScratch(options.room.paths)
  options.cleanup.use(scratch)
  const file = await download(url, { directory: scratch.path, checksum, signal: options.signal })
  if (instruction.unpack === true) {
    const compression = archiveKind(file.path)
    if (compression !== undefined) return archiveStep(state, { instruction, path: file.path, compression }, options)
  }
  if (file.name === '' && instruction.destination.endsWith('/'))
    throw new CopyFailed(`cannot determine filename for source ${url}`, { hint: 'name the file in the destination' })
  const tree = singleFileTree(file)
  const from = { tree, identity: undefined, layers: undefined }
  return copyStep(state, { ...requestOf(instruction), sources: [file.name], from }, options)
}
