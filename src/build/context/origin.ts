/** What a named context holds: its files, and a stage that is built from them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Platform } from '../../oci/descriptor.ts'
import { singleFileTree } from '../copy/single-file-tree.ts'
import type { FileTree } from '../copy/tree.ts'
import { parseIgnoreFile } from '../ignore/ignore-file.ts'
import { IgnoreMatcher } from '../ignore/matcher.ts'
import type { Progress, Vertex } from '../progress.ts'
import { type SolveOptions, solveStep } from '../solve-step.ts'
import type { Sources } from '../sources/open.ts'
import { shownAddress, shownUrl } from '../sources/shown.ts'
import type { StageBase } from '../stage.ts'
import { copyStep } from '../steps/copy.ts'
import type { LandOptions } from '../steps/land.ts'
import { plainTree, type Tree } from '../steps/options.ts'
import { readSmall } from './dockerfile.ts'
import type { NamedContext } from './named.ts'

export interface ContextOptions {
  readonly progress: Progress
  readonly sources: Sources
  readonly signal: AbortSignal
  /** The files of a directory of the host. */
  readonly local: (directory: string, ignore?: IgnoreMatcher) => FileTree
}

export type FilesContext = Extract<NamedContext, { kind: 'directory' | 'git' | 'http' }>

/** @throws {SourceFailed} @throws {ContextUnreadable} */
export function treeOfContext(name: string, context: FilesContext, options: ContextOptions): Promise<Tree> {
  const { progress, sources, local, signal } = options
  const show = (what: string, work: (vertex: Vertex) => Promise<Tree>) =>
    progress.run(`[context ${name}] ${what}`, work)
  switch (context.kind) {
    case 'directory':
      return show(`load from ${context.path}`, async () => {
        const tree = local(context.path, ignoreIn(context.path))
        return plainTree(() => tree)
      })
    case 'git':
      return show(`load git source ${shownAddress(context.text)}`, async (vertex) => {
        const { source } = context
        const wishes = { keepGitDirectory: source.keepGitDirectory === true, commitTimes: source.commitTimes }
        const found = await sources.git(source, { ...wishes, signal, onStatus: vertex.status })
        return plainTree(() => local(found.directory), found.identity)
      })
    case 'http':
      return show(shownUrl(new URL(context.url)), async (vertex) => {
        const file = await sources.http(context.url, { signal, onStatus: vertex.status })
        const identity = `${file.digest} ${file.mtimeSeconds}`
        // BuildKit unpacks nothing here, and this is its name for the file.
        const tree = singleFileTree({ name: 'context', identity, open: async () => file })
        return plainTree(() => tree, identity)
      })
  }
}

/** Directories of the host leave out what they want to have left out. */
function ignoreIn(directory: string): IgnoreMatcher {
  const path = join(directory, '.dockerignore')
  return new IgnoreMatcher(existsSync(path) ? parseIgnoreFile(readSmall(path, '.dockerignore')) : [])
}

export interface Basing extends LandOptions, SolveOptions {
  readonly platform: Platform
}

/** `FROM name`: the files of the context and nothing else, as one layer. */
export async function baseOfTree(name: string, files: Tree, options: Basing): Promise<StageBase> {
  const { platform, settings } = options
  const description = `FROM ${name}`
  const request = {
    description,
    sources: ['/'],
    files: [],
    destination: '/',
    chown: undefined,
    chmod: undefined,
    link: false,
    parents: false,
    exclude: [],
    excluded: () => false,
    from: files,
  }
  const empty = { layers: [], config: {} }
  const { layers, createdAtMs } = await solveStep(copyStep(empty, request, options), options)
  const created = new Date(Math.min(createdAtMs, (settings.epoch ?? Number.POSITIVE_INFINITY) * 1000)).toISOString()
  const history = layers.map(() => ({ created, created_by: description, comment: 'buildkit.exporter.image.v0' }))
  const rootfs = { type: 'layers' as const, diff_ids: layers.map(({ diffID }) => diffID) }
  const config = { ...platform, created, config: { WorkingDir: '/' }, rootfs, history }
  return { layers, config, parent: undefined, name }
}
