/** Runs an installed command. */
import type { Paths } from '../paths.ts'
import { PermissionsNeeded, PluginMisbehaved } from './errors.ts'
import { CONTRACT_VERSION, type ListedContainer, type ListedImage, type Permission, type Values } from './plugin.ts'
import { runConfined } from './process.ts'
import { type InstalledPlugin, readPluginCode, replacePlugin } from './store.ts'

/** What was typed behind the name of the command. */
export interface Typed {
  readonly args: Values
  readonly flags: Values
  readonly words: readonly string[]
}

export interface ListParameters {
  readonly all: boolean
  readonly filters: readonly string[]
}

/** What the engine does for plugins, by the names of the contract. */
export interface EngineCalls {
  readonly 'images.list': (options: ListParameters) => Promise<readonly ListedImage[]>
  readonly 'images.inspect': (name: string) => Promise<unknown>
  readonly 'containers.list': (options: ListParameters) => Promise<readonly ListedContainer[]>
  readonly 'containers.inspect': (name: string) => Promise<unknown>
}

const NEEDED: Readonly<Record<keyof EngineCalls, Permission>> = {
  'images.list': 'engine:read',
  'images.inspect': 'engine:read',
  'containers.list': 'engine:read',
  'containers.inspect': 'engine:read',
}

/**
 * @param engine - opened with the first call
 * @returns its exit status
 * @throws {PluginBroken} its file is not what was installed @throws {ContractMismatch} Coracle changed meanwhile
 */
export async function runPlugin(
  paths: Paths,
  plugin: InstalledPlugin,
  { typed, engine }: { readonly typed: Typed; readonly engine: () => Promise<EngineCalls> },
): Promise<number> {
  const { name, language, granted } = plugin
  const source = readPluginCode(paths, plugin).toString('base64')
  await checkAgain(paths, plugin)
  return runConfined({ name, source, ...typed }, { language, granted }, async (method, parameter) => {
    if (!isCall(method)) throw new PluginMisbehaved(`the engine offers no ${method.slice(0, 100)}`)
    if (!granted.includes(NEEDED[method]))
      throw new PermissionsNeeded(`it was not granted ${NEEDED[method]}, which ${method} needs`)
    const calls = await engine()
    if (method === 'images.list' || method === 'containers.list') return calls[method](readListParameters(parameter))
    return calls[method](readName(parameter))
  })
}

async function checkAgain(paths: Paths, plugin: InstalledPlugin): Promise<void> {
  if (plugin.contractChecked === CONTRACT_VERSION) return
  const { checkContract } = await import('./contract-version.ts')
  checkContract(plugin.name, plugin.declaration.contract)
  replacePlugin(paths, { ...plugin, contractChecked: CONTRACT_VERSION })
}

function isCall(method: string): method is keyof EngineCalls {
  return Object.hasOwn(NEEDED, method)
}

function readListParameters(parameter: unknown): ListParameters {
  const { all, filters = [] } = (parameter ?? {}) as { all?: unknown; filters?: unknown }
  if (!Array.isArray(filters) || !filters.every((each) => typeof each === 'string'))
    throw new PluginMisbehaved('filters must be a list of texts')
  return { all: all === true, filters }
}

function readName(parameter: unknown): string {
  if (typeof parameter !== 'string' || parameter === '' || parameter.length > 1000)
    throw new PluginMisbehaved('inspect needs a name')
  return parameter
}
