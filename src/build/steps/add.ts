/** ADD: as COPY, but archives are unpacked, and sources may be elsewhere. */
import { posix } from 'node:path'
import { inParallel } from '../../images/in-parallel.ts'
import { type ByteString, byteString } from '../../linux/apply.ts'
import { type Archive, archiveKind } from '../copy/archive-kind.ts'
import { expandPattern, hasPattern, patternOf } from '../copy/glob.ts'
import { holdFile } from '../copy/hold-file.ts'
import { textOf } from '../copy/landing.ts'
import type { FileTree } from '../copy/tree.ts'
import { CopyFailed, SourceMissing } from '../errors.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import { type Add, archivePortion } from './add-archive.ts'
import { addRequest, type RemoteSource, remotePortion, remoteSource } from './add-remote.ts'
import { copyPortion } from './copy.ts'
import { landStep, type Portion } from './land.ts'
import { isIndependent } from './link.ts'
import type { LayerOptions } from './options.ts'

/** Of what is elsewhere. */
const AT_ONCE = 4

/** @throws {CopyFailed} flags and sources do not go together */
export async function addStep(state: StageState, instruction: Add, options: LayerOptions): Promise<Step> {
  const { code, chown, link } = instruction
  const groups = await sourceGroups(instruction, options)
  const work = (group: Group, _: number, signal: AbortSignal) =>
    portionOf(state, { group, instruction }, { ...options, signal })
  const portions = await inParallel(groups, work, { limit: AT_ONCE, signal: options.signal })
  const independent = isIndependent(link, chown)
  const landed = { kind: 'add', description: code, below: state.layers, link, independent }
  return landStep(landed, portions, options)
}

type Files = Pick<Add, 'sources' | 'files'>
type Group = RemoteSource | { readonly archive: Archive } | Files

function portionOf(
  state: StageState,
  { group, instruction }: { readonly group: Group; readonly instruction: Add },
  options: LayerOptions,
): Promise<Portion> {
  if ('archive' in group) return Promise.resolve(archivePortion(state, { instruction, ...group.archive }, options))
  if ('git' in group || 'url' in group) return remotePortion(state, { ...group, instruction }, options)
  return filesPortion(state, { ...instruction, ...group }, options)
}

async function filesPortion(state: StageState, instruction: Add, options: LayerOptions): Promise<Portion> {
  const { sources, files } = instruction
  const from = sources.length === 0 ? undefined : await options.context()
  return copyPortion(state, { ...addRequest(instruction), sources, files, from }, options)
}

/** In the order of the instruction; what is in the Dockerfile comes last. Neighbours that are merely copied are one group. */
async function sourceGroups(instruction: Add, options: LayerOptions): Promise<readonly Group[]> {
  const { sources, files, checksum, unpack } = instruction
  const remote = sources.map(remoteSource)
  if (checksum !== undefined && sources.length > 1)
    throw new CopyFailed("checksum can't be specified for multiple sources")
  if (checksum !== undefined && remote[0] === undefined)
    throw new CopyFailed('checksum requires HTTP(S) or Git sources')
  const groups: Group[] = []
  const copied = (more: Partial<Files>) => {
    const last = groups.at(-1)
    const { sources: before, files: written } =
      last !== undefined && 'sources' in last ? last : { sources: [], files: [] }
    if (before.length + written.length > 0) groups.pop()
    groups.push({ sources: [...before, ...(more.sources ?? [])], files: [...written, ...(more.files ?? [])] })
  }
  for (const [index, source] of sources.entries()) {
    const elsewhere = remote[index]
    if (elsewhere !== undefined) groups.push(elsewhere)
    else if (unpack === false) copied({ sources: [source] })
    else
      for (const one of await archivesIn(source, options)) {
        if (typeof one === 'string') copied({ sources: [one] })
        else groups.push({ archive: one })
      }
  }
  if (files.length > 0) copied({ files })
  return groups
}

/** @returns what a source stands for: the archives in it, and words for the rest, which are its own where there is none */
async function archivesIn(source: string, options: LayerOptions): Promise<readonly (Archive | string)[]> {
  const { tree } = await (await options.context()).open()
  const path = posix.resolve('/', source).slice(1)
  const paths = hasPattern(path) ? expandPattern(tree, path, { deep: false }) : [byteString(path)]
  const found: (Archive | string)[] = []
  for (const one of paths) found.push((await archiveAt(tree, one, options)) ?? `/${patternOf(textOf(one))}`)
  return found.every((one) => typeof one === 'string') ? [source] : found
}

async function archiveAt(tree: FileTree, path: ByteString, { cleanup }: LayerOptions): Promise<Archive | undefined> {
  const found = tree.resolve(path)
  if (found === undefined) throw new SourceMissing(`/${textOf(path)}`)
  if (found.isDirectory) return undefined
  if (tree.source === undefined) throw new Error('a build context is a directory of the host')
  await using holding = new AsyncDisposableStack()
  const held = holdFile(tree.source, found.path, holding)
  const compression = held === undefined ? undefined : await archiveKind(held)
  if (held === undefined || compression === undefined) return undefined
  cleanup.use(holding.move())
  return { path: held, compression, name: textOf(path) }
}
