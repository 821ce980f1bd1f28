/** ADD: as COPY, but archives are unpacked, and sources may be elsewhere. */
import { posix } from 'node:path'
import { byteString } from '../../linux/apply.ts'
import { type Archive, archiveKind } from '../copy/archive-kind.ts'
import { hasPattern } from '../copy/glob.ts'
import { holdFile } from '../copy/hold-file.ts'
import { CopyFailed, SourceMissing } from '../errors.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import { type Add, archiveStep } from './add-archive.ts'
import { addRemote, addRequest } from './add-remote.ts'
import { type CopyRequest, copyStep } from './copy.ts'
import type { LayerOptions } from './options.ts'

/** @throws {CopyFailed} sources of several kinds at once, or of one that is not known */
export async function addStep(state: StageState, instruction: Add, options: LayerOptions): Promise<Step> {
  const remote = await addRemote(state, instruction, options)
  if (remote !== undefined) return remote
  const archive = await findArchive(instruction, options)
  if (archive !== undefined) return archiveStep(state, { instruction, ...archive }, options)
  return copyStep(state, await plainRequest(instruction, options), options)
}

async function plainRequest(instruction: Add, { context }: LayerOptions): Promise<CopyRequest> {
  const { sources } = instruction
  const from = sources.length === 0 ? undefined : await context()
  return { ...addRequest(instruction), sources, from }
}

/** Several sources, of which some are archives, are rare enough to be refused. */
async function findArchive(instruction: Add, { context, cleanup }: LayerOptions): Promise<Archive | undefined> {
  const { sources, unpack } = instruction
  if (unpack === false || sources.some(hasPattern)) return undefined
  const archives: Archive[] = []
  for (const source of sources) {
    const { tree } = await (await context()).open()
    const found = tree.resolve(byteString(posix.resolve('/', source).slice(1)))
    if (found === undefined) throw new SourceMissing(source)
    if (found.isDirectory) continue
    if (tree.source === undefined) throw new Error('a build context is a directory of the host')
    const path = holdFile(tree.source, found.path, cleanup)
    const compression = path === undefined ? undefined : await archiveKind(path)
    if (path !== undefined && compression !== undefined) archives.push({ path, compression, name: source })
  }
  if (archives.length > 0 && sources.length > 1)
    throw new CopyFailed('an archive that ADD unpacks must be its only source', { hint: 'write one ADD for each' })
  return archives[0]
}
