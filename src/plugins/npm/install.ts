/**
 * Installs, links, updates and removes npm plugins. npm works in a copy of what is installed; when all is well the index
 * is written, which makes the copy count. Whatever fails or is killed before has changed nothing. The caller holds the lock.
 */
import { constants, cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CoracleError } from '../../errors.ts'
import { npmDirectory, type Paths } from '../../paths.ts'
import { randomHex } from '../../util/random.ts'
import { removeAll } from '../../util/remove-all.ts'
import { PluginInvalid, PluginNotFound } from '../errors.ts'
import { hasPlugin } from '../store.ts'
import { describePackage, oneLine, stampsOf } from './describe.ts'
import { PluginsClash } from './errors.ts'
import { type IndexedPlugin, type NpmIndex, readIndex, writeIndex } from './index-file.ts'
import { type NpmDirectory, npmInstall, openNpmDirectory, packageName, readIntegrity, readSpec } from './npm.ts'
import { EXTENSION_KINDS } from './package-section.ts'

export interface InstallRequest {
  readonly scripts: boolean
  /** First words that no plugin may have. */
  readonly reserved: ReadonlySet<string>
}

/**
 * @param typed - `NAME`, `NAME@VERSION`, `file:PATH`, an address
 * @throws {NpmFailed} @throws {PluginInvalid} @throws {ContractMismatch} @throws {PluginsClash}
 */
export async function installPackage(paths: Paths, typed: string, request: InstallRequest): Promise<IndexedPlugin> {
  const spec = readSpec(typed)
  return inNextGeneration(paths, async (directory, index) => {
    const name = await npmInstall(directory, spec, request)
    const plugin = await describeInstalled(directory, { name, spec }, request)
    const [fault] = plugin.faults
    if (fault !== undefined && plugin.commands.length === 0) throw new PluginInvalid(plugin.name, fault)
    const tag = packageName(spec) === undefined ? { url: spec } : { tag: spec.slice(name.length + 1) || 'latest' }
    await directory.manager.add({ name, type: 'user', ...tag })
    return { plugins: withPlugin(index, checkFree(paths, index, plugin)), result: plugin }
  })
}

async function describeInstalled(
  { path }: NpmDirectory,
  { name, spec }: { readonly name: string; readonly spec: string },
  { reserved }: InstallRequest,
): Promise<IndexedPlugin> {
  const root = join(path, 'node_modules', name)
  return describePackage({ root, type: 'user', origin: spec, integrity: readIntegrity(path, name) }, reserved)
}

/** What has been asked for by its name or address before, as it is now. @throws {PluginNotFound} */
export async function updatePackage(paths: Paths, name: string, request: InstallRequest): Promise<IndexedPlugin> {
  const plugin = findPlugin(paths, name)
  return plugin.type === 'link'
    ? linkPackage(paths, plugin.root, request)
    : installPackage(paths, plugin.origin, request)
}

/** A directory that somebody works on: used where it lies, its dependencies are his. @throws {PluginInvalid} */
export async function linkPackage(
  paths: Paths,
  path: string,
  { reserved }: Pick<InstallRequest, 'reserved'>,
): Promise<IndexedPlugin> {
  const root = resolve(path)
  const plugin = await describePackage({ root, type: 'link', origin: root, integrity: '' }, reserved)
  const index = readIndex(paths)
  writeIndex(paths, { ...index, plugins: withPlugin(index, checkFree(paths, index, plugin)) })
  return plugin
}

/** One whose files have changed. What is wrong with it now is its fault, and nobody else's. */
export async function relinkPackage(
  paths: Paths,
  old: IndexedPlugin,
  request: Pick<InstallRequest, 'reserved'>,
): Promise<void> {
  const index = readIndex(paths)
  const now = await relinked(old, request)
  writeIndex(paths, { ...index, plugins: index.plugins.map((each) => (each.name === old.name ? now : each)) })
}

async function relinked(old: IndexedPlugin, { reserved }: Pick<InstallRequest, 'reserved'>): Promise<IndexedPlugin> {
  const stamps = stampsOf(old.root)
  try {
    const now = await describePackage({ root: old.root, type: 'link', origin: old.root, integrity: '' }, reserved)
    const known = new Set(now.commands.map(({ id }) => id))
    // Whoever types the name of a command that cannot be loaded shall be told why.
    const lost = now.faults.length === 0 ? [] : old.commands.filter(({ id }) => !known.has(id))
    return { ...now, name: old.name, installedAt: old.installedAt, commands: [...now.commands, ...lost], stamps }
  } catch (error) {
    if (!(error instanceof CoracleError)) throw error
    return { ...old, faults: [oneLine(error.message)], stamps }
  }
}

/** @throws {PluginNotFound} */
export async function uninstallPackage(paths: Paths, name: string): Promise<void> {
  const plugin = findPlugin(paths, name)
  const others = ({ plugins }: NpmIndex) => plugins.filter((each) => each.name !== name)
  const index = readIndex(paths)
  // npm would have to look at all the others only to remove the last one.
  if (plugin.type === 'link' || others(index).every(({ type }) => type === 'link')) {
    const generation = plugin.type === 'link' ? index.generation : undefined
    writeIndex(paths, { ...index, generation, plugins: others(index) })
    return removeOldGenerations(paths)
  }
  await inNextGeneration(paths, async ({ path, manager }, current) => {
    await manager.npm.uninstall([name], { cwd: path, logLevel: 'silent' })
    await manager.remove(name)
    return { plugins: others(current), result: undefined }
  })
}

/** Forgets all of them, whatever state they are in. */
export function resetPackages(paths: Paths): void {
  writeIndex(paths, { format: 1, generation: undefined, plugins: [] })
  removeOldGenerations(paths)
}

/** @throws {PluginNotFound} */
export function findPlugin(paths: Paths, name: string): IndexedPlugin {
  const found = readIndex(paths).plugins.find((each) => each.name === name)
  if (found === undefined) throw new PluginNotFound(name)
  return found
}

function withPlugin({ plugins }: NpmIndex, plugin: IndexedPlugin): readonly IndexedPlugin[] {
  return [...plugins.filter(({ name }) => name !== plugin.name), plugin]
}

/** Two plugins cannot have the same word. @throws {PluginsClash} */
function checkFree(paths: Paths, { plugins }: NpmIndex, plugin: IndexedPlugin): IndexedPlugin {
  for (const other of plugins.filter(({ name }) => name !== plugin.name)) {
    const ids = new Set(other.commands.flatMap(({ id, aliases }) => [id, ...aliases]))
    const same = plugin.commands.flatMap(({ id, aliases }) => [id, ...aliases]).find((id) => ids.has(id))
    if (same !== undefined) throw new PluginsClash(plugin.name, other.name, `a command '${same.replaceAll(':', ' ')}'`)
    for (const kind of EXTENSION_KINDS) {
      const name = Object.keys(plugin.extensions[kind]).find((each) => each in other.extensions[kind])
      if (name !== undefined) throw new PluginsClash(plugin.name, other.name, `'${name}' among their ${kind}`)
    }
  }
  const firstWords = plugin.commands.flatMap(({ id, aliases }) =>
    [id, ...aliases].map((each) => each.split(':')[0] ?? each),
  )
  const single = firstWords.find((word) => hasPlugin(paths, word))
  if (single !== undefined) throw new PluginsClash(plugin.name, single, `a command '${single}'`)
  return plugin
}

interface Outcome<T> {
  readonly plugins: readonly IndexedPlugin[]
  readonly result: T
}

const GENERATION = /^g-[0-9a-f]{16}$/

async function inNextGeneration<T>(
  paths: Paths,
  work: (directory: NpmDirectory, index: NpmIndex) => Promise<Outcome<T>>,
): Promise<T> {
  const index = readIndex(paths)
  const generation = `g-${randomHex(8)}`
  const path = join(npmDirectory(paths), generation)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  try {
    if (index.generation !== undefined)
      cpSync(join(npmDirectory(paths), index.generation), path, {
        recursive: true,
        verbatimSymlinks: true,
        mode: constants.COPYFILE_FICLONE,
      })
    const { plugins, result } = await work(await openNpmDirectory(path), index)
    writeIndex(paths, { format: 1, generation, plugins: plugins.map((each) => movedTo(each, path)) })
    removeOldGenerations(paths)
    return result
  } catch (error) {
    removeAll(path)
    throw error
  }
}

function movedTo(plugin: IndexedPlugin, path: string): IndexedPlugin {
  return plugin.type === 'link' ? plugin : { ...plugin, root: join(path, 'node_modules', plugin.name) }
}

/** Of what was replaced, and of commands that were killed. */
function removeOldGenerations(paths: Paths): void {
  const { generation } = readIndex(paths)
  const directory = npmDirectory(paths)
  if (!existsSync(directory)) return
  for (const name of readdirSync(directory))
    if (GENERATION.test(name) && name !== generation) removeAll(join(directory, name))
}
