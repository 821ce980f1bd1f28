/**
 * `npm/index.json` below the data root: what npm plugins bring, known without looking at any of them. Written last, by one
 * rename, so it decides which generation of installed packages counts; whoever reads sees the old ones or the new ones.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { npmDirectory, npmHooksPath, npmIndexPath, type Paths } from '../../paths.ts'
import { replaceJson } from '../../util/json-file.ts'
import { PluginIndexBroken } from './errors.ts'
import type { Extensions } from './package-section.ts'

export interface IndexedCommand {
  /** `tools:hello` */
  readonly id: string
  readonly summary: string
  readonly aliases: readonly string[]
  readonly hidden: boolean
}

export interface IndexedPlugin {
  readonly name: string
  readonly version: string
  /** `link`: it is used where it lies. */
  readonly type: 'user' | 'link'
  /** Absolute directory of the package. */
  readonly root: string
  /** What the user asked for: `name`, `name@1`, an address, a path. */
  readonly origin: string
  /** As npm knows it: `sha512-…`, or the commit of a repository. */
  readonly integrity: string
  /** RFC 3339. */
  readonly installedAt: string
  readonly summary: string
  readonly contract: string | undefined
  readonly commands: readonly IndexedCommand[]
  readonly topics: Readonly<Record<string, string>>
  /** oclif's hooks that it has: `prerun`. */
  readonly hooks: readonly string[]
  readonly extensions: Extensions
  /** Why parts of it cannot be used, a line each. */
  readonly faults: readonly string[]
  /** Of a linked one: files by which a change is seen, with times of their last change. */
  readonly stamps: Readonly<Record<string, number>>
}

export interface NpmIndex {
  readonly format: 1
  /** Directory below `npm/`; undefined when nothing is installed but links. */
  readonly generation: string | undefined
  readonly plugins: readonly IndexedPlugin[]
}

const EMPTY: NpmIndex = { format: 1, generation: undefined, plugins: [] }

/** @throws {PluginIndexBroken} */
export function readIndex(paths: Paths): NpmIndex {
  let text: string
  try {
    text = readFileSync(npmIndexPath(paths), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY
    throw new PluginIndexBroken(npmIndexPath(paths), { cause: error })
  }
  try {
    const index = JSON.parse(text) as NpmIndex
    if (index.format !== 1 || !Array.isArray(index.plugins) || !index.plugins.every(isWhole))
      throw new Error('unknown format')
    return index
  } catch (error) {
    throw new PluginIndexBroken(npmIndexPath(paths), { cause: error })
  }
}

/** It may have been written by another version of Coracle, or by hand. */
function isWhole(plugin: Partial<IndexedPlugin> | null): boolean {
  const { name, version, root, type, commands, hooks, faults, topics, extensions } = plugin ?? {}
  const texts: readonly unknown[] = [name, version, root, type]
  const lists: readonly unknown[] = [commands, hooks, faults]
  const records: readonly unknown[] = [topics, extensions]
  return (
    texts.every((each) => typeof each === 'string') &&
    lists.every((each) => Array.isArray(each)) &&
    records.every((each) => typeof each === 'object' && each !== null)
  )
}

/** Of a plugin with hooks, in a file of its own: it is read around each command. */
export type HookedPlugin = Pick<IndexedPlugin, 'name' | 'root' | 'hooks' | 'contract'>

/** @throws {PluginIndexBroken} */
export function readHooked(paths: Paths): readonly HookedPlugin[] {
  const path = npmHooksPath(paths)
  try {
    const hooked = JSON.parse(readFileSync(path, 'utf8')) as readonly Partial<HookedPlugin>[]
    if (!hooked.every((each) => typeof each?.root === 'string' && Array.isArray(each.hooks)))
      throw new Error('unknown format')
    return hooked as readonly HookedPlugin[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [] // the last one has just been uninstalled
    throw new PluginIndexBroken(path, { cause: error })
  }
}

/** With no plugin left there is no index: whoever has none pays nothing. */
export function writeIndex(paths: Paths, index: NpmIndex): void {
  mkdirSync(npmDirectory(paths), { recursive: true, mode: 0o700 })
  const hooked = index.plugins.filter(({ hooks }) => hooks.length > 0)
  if (hooked.length === 0) rmSync(npmHooksPath(paths), { force: true })
  if (index.plugins.length === 0) rmSync(npmIndexPath(paths), { force: true })
  else replaceJson(npmIndexPath(paths), index)
  if (hooked.length > 0)
    replaceJson(
      npmHooksPath(paths),
      hooked.map(({ name, root, hooks, contract }) => ({ name, root, hooks, contract })),
    )
}
