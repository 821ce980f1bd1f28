/** COPY, and what ADD has in common with it: files of a tree, and of the Dockerfile itself, on top of the layers. */
import { basename, posix } from 'node:path'
import { type Applier, type ByteString, byteString, openApplier } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { stepKey } from '../cache/key.ts'
import { expandPattern, hasPattern } from '../copy/glob.ts'
import { type Landing, type Owner, openLanding, resolveInLayers } from '../copy/landing.ts'
import { type ChangeMode, parseMode, resolveOwner } from '../copy/owners.ts'
import type { FileTree, Found, Keep } from '../copy/tree.ts'
import type { Heredoc } from '../dockerfile/types.ts'
import { SourceMissing } from '../errors.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import { type Ground, type LandOptions, landStep, type Portion } from './land.ts'
import { baseOf, isIndependent } from './link.ts'
import type { Tree } from './options.ts'

/** COPY with everything known but the files. */
export interface CopyRequest {
  /** For people and for the history. */
  readonly description: string
  readonly sources: readonly string[]
  readonly files: readonly Heredoc[]
  readonly destination: string
  readonly chown: string | undefined
  readonly chmod: string | undefined
  readonly link: boolean
  readonly parents: boolean
  /** Whether a path below the source is left out. */
  readonly excluded: Keep
  readonly exclude: readonly string[]
  /** Where the files are; undefined where none is copied from a tree. */
  readonly from: Tree | undefined
}

export function copyStep(
  state: Pick<StageState, 'layers' | 'config'>,
  request: CopyRequest,
  options: LandOptions,
): Step {
  const { description, link, chown } = request
  const landed = { kind: 'copy', description, below: state.layers, link, independent: isIndependent(link, chown) }
  return landStep(landed, [copyPortion(state, request, options)], options)
}

export function copyPortion(
  state: Pick<StageState, 'layers' | 'config'>,
  request: CopyRequest,
  options: LandOptions,
): Portion {
  const { sources, files, chown, chmod, link, parents, exclude, from } = request
  const destination = absolute(request.destination, state.config.WorkingDir ?? '/')
  const words = [destination, sources, chown ?? null, chmod ?? null, link, parents, exclude, from?.hasOwners ?? false]
  const written = files.map(({ name, content }) => [name, content])
  const shape = [...words, written, options.settings.epoch ?? null]
  const base = baseOf(state.layers, isIndependent(link, chown))
  const chosen = async (): Promise<FromTree> => {
    const tree = (await from?.open())?.tree
    return { tree, files: chooseFiles(request, tree) }
  }
  const contentKey = async () => stepKey('copy-content', [base, ...shape, await digestOf(await chosen(), options)])
  const land = async (ground: Ground, doubt: () => void) =>
    landCopy(ground, { ...request, destination, chosen: await chosen(), doubt }, options)
  const identity = from === undefined ? '' : from.identity
  if (identity === undefined) return { land, contentKey }
  return { land, key: stepKey('copy', [base, ...shape, identity]), ...(identity !== '' && { contentKey }) }
}

/** With a slash at the end where it stands for a directory in any case. */
function absolute(path: string, workingDirectory: string): string {
  const whole = posix.resolve('/', workingDirectory, path)
  return /(?:^|\/)\.{0,2}$/.test(path) && whole !== '/' ? `${whole}/` : whole
}

interface Chosen extends Found {
  /** As it was named, from the pivot on: `--parents` keeps it. */
  readonly name: ByteString
  readonly keep: Keep
  /** Patterns that it asks. */
  readonly excluded: readonly string[]
}

interface FromTree {
  /** undefined: nothing is taken from one. */
  readonly tree: FileTree | undefined
  readonly files: readonly Chosen[]
}

/** @throws {SourceMissing} */
function chooseFiles(
  { sources, parents, excluded, exclude }: CopyRequest,
  tree: FileTree | undefined,
): readonly Chosen[] {
  const keep: Keep = (relative) => relative === '' || !excluded(relative)
  return sources.flatMap((source) => {
    if (tree === undefined) throw new SourceMissing(source)
    const [path, pivot] = tidy(source)
    const paths = hasPattern(path) ? expandPattern(tree, path, { deep: parents }) : [byteString(path)]
    return paths.map((one) => {
      const found = tree.resolve(one)
      if (found === undefined) throw new SourceMissing(`/${path}`)
      return { ...found, name: one.split('/').slice(pivot).join('/'), keep, excluded: exclude }
    })
  })
}

/** Relative to the tree, which nothing leaves; and how many components stand before `/./`. */
function tidy(source: string): readonly [string, number] {
  const clean = (text: string) => posix.resolve('/', text).slice(1)
  const at = source.indexOf('/./')
  const pivot = at === -1 ? '' : clean(source.slice(0, at))
  return [clean(source), pivot === '' ? 0 : pivot.split('/').length]
}

async function digestOf({ tree, files }: FromTree, { signal }: LandOptions): Promise<readonly (readonly string[])[]> {
  const digests: (readonly string[])[] = []
  for (const one of files) {
    const digest = await tree?.digest(one, { keep: one.keep, excluded: one.excluded, signal })
    digests.push([one.name, one.isDirectory ? 'directory' : 'file', digest ?? ''])
  }
  return digests
}

interface Carrying extends CopyRequest {
  readonly chosen: FromTree
  /** Of `Step.run`. */
  readonly doubt: () => void
}

async function landCopy(
  { upper, lower, layers }: Ground,
  request: Carrying,
  { settings, signal }: LandOptions,
): Promise<void> {
  const owner = request.chown === undefined ? undefined : resolveOwner(request.chown, layers)
  const change = request.chmod === undefined ? undefined : parseMode(request.chmod)
  const mtimeSeconds = settings.epoch ?? Math.floor(Date.now() / 1000)
  await using applier = openApplier(upper, { idMaps: userIdMaps(), source: request.chosen.tree?.source })
  const isOneTree = request.chosen.files.length + request.files.length === 1
  const landing = openLanding({ lower, applier, owner: owner ?? ROOT, mtimeSeconds, isOneTree })
  const copying = { applier, landing, lower, owner, change, mtimeSeconds, signal }
  const isSame = await copyAll(request, copying)
  if (!(await applier.finish()) || !isSame) request.doubt()
}

const ROOT: Owner = { uid: 0, gid: 0 }

interface Copying {
  readonly applier: Applier
  readonly landing: Landing
  readonly lower: readonly string[]
  readonly owner: Owner | undefined
  readonly change: ChangeMode | undefined
  readonly mtimeSeconds: number
  readonly signal: AbortSignal
}

/** @returns false: something has changed since its digest was made */
async function copyAll(request: Carrying, copying: Copying): Promise<boolean> {
  const { chosen, files } = request
  const { tree } = chosen
  let isSame = true
  for (const one of chosen.files)
    if (tree !== undefined && !(await copyOne(one, { tree, request }, copying))) isSame = false
  for (const { name, content } of files)
    copyText(Buffer.from(content), placeOf({ name, isDirectory: false }, request, copying), copying)
  return isSame
}

/** Where a file goes, or the content of a directory; what is above it is made. */
function placeOf(
  { name, isDirectory }: Pick<Chosen, 'name' | 'isDirectory'>,
  { destination, parents }: CopyRequest,
  { landing, lower }: Copying,
): ByteString {
  const target = resolveInLayers(lower, destination)
  if (parents) return inParents(target, name, landing)
  const isInside = destination.endsWith('/') || destination === '/' || landing.kindOf(target) === 'directory'
  if (isDirectory) {
    landing.directory(target)
    return target
  }
  if (!isInside) {
    landing.directory(target.split('/').slice(0, -1).join('/'))
    return target
  }
  landing.directory(target)
  return target === '' ? basename(name) : `${target}/${basename(name)}`
}

function inParents(target: ByteString, name: ByteString, landing: Landing): ByteString {
  const place = [target, name].filter((part) => part !== '').join('/')
  landing.directory(place.split('/').slice(0, -1).join('/'))
  return place
}

async function copyOne(
  one: Chosen,
  { tree, request }: { readonly tree: FileTree; readonly request: CopyRequest },
  copying: Copying,
): Promise<boolean> {
  const { landing, applier, signal } = copying
  const base = placeOf(one, request, copying)
  if (request.parents && one.isDirectory) landing.directory(base)
  const place = (relative: ByteString): ByteString | undefined => {
    if (!one.keep(relative)) return undefined
    if (relative === '') return one.isDirectory ? undefined : base
    return base === '' ? relative : `${base}/${relative}`
  }
  const attributes = (entry: TreeEntry) => {
    const isDirectory = (entry.mode & 0o170000) === 0o040000
    const owner = copying.owner ?? (request.from?.hasOwners === true ? entry : ROOT)
    return { uid: owner.uid, gid: owner.gid, mode: copying.change?.(entry.mode & 0o7777, isDirectory) ?? entry.mode }
  }
  const claiming = claimingTree(applier, landing)
  return tree.copy(one, claiming, { place, attributes, signal })
}

/** Every node that the applier makes is checked against what is there. */
function claimingTree(applier: Applier, landing: Landing): Applier {
  return {
    ...applier,
    directory: (path, attributes) => {
      landing.claim(path, true)
      applier.directory(path, attributes)
    },
    clone: (path, source, attributes) => {
      landing.claim(path, false)
      applier.clone(path, source, attributes)
    },
    file: (path, attributes, sizeBytes) => {
      landing.claim(path, false)
      applier.file(path, attributes, sizeBytes)
    },
    symlink: (path, target, attributes) => {
      landing.claim(path, false)
      applier.symlink(path, target, attributes)
    },
    hardLink: (path, target) => {
      landing.claim(path, false)
      applier.hardLink(path, target)
    },
    node: (path, attributes, device) => {
      landing.claim(path, false)
      applier.node(path, attributes, device)
    },
  }
}

function copyText(
  content: Buffer,
  path: ByteString,
  { applier, landing, owner = ROOT, change, mtimeSeconds }: Copying,
): void {
  landing.claim(path, false)
  const mode = change?.(0o644, false) ?? 0o644
  applier.file(path, { mode, ...owner, mtimeSeconds, mtimeNanoseconds: 0 }, content.length)
  applier.data(content)
  applier.end()
}
