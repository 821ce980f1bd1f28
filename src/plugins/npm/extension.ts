/** Loads what an npm plugin brings, when it is used. Its code runs in this process: npm plugins are trusted, not believed. */
import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CoracleError } from '../../errors.ts'
import { npmIndexPath, type Paths } from '../../paths.ts'
import type { ExtensionContext } from '../drivers.ts'
import { checkPlugin, contractModule, oneLine } from './describe.ts'
import { PluginFailed } from './errors.ts'
import { type IndexedPlugin, readIndex } from './index-file.ts'
import type { ExtensionKind } from './package-section.ts'
import { resolveContract } from './resolve-contract.ts'

export interface Extension {
  /** For messages: `the volume driver nfs of coracle-plugin-nfs`. */
  readonly title: string
  readonly plugin: IndexedPlugin
  readonly kind: ExtensionKind
  readonly name: string
  /** Absolute path of its module. */
  readonly path: string
}

const TITLES: Readonly<Record<ExtensionKind, string>> = {
  backends: 'backend',
  logDrivers: 'log driver',
  networkDrivers: 'network driver',
  volumeDrivers: 'volume driver',
  credentialHelpers: 'credential helper',
}
const LOAD_TIMEOUT_MS = 10_000

/** undefined where no plugin brings one of that name. */
export function findExtension(paths: Paths, kind: ExtensionKind, name: string): Extension | undefined {
  if (!existsSync(npmIndexPath(paths))) return undefined
  for (const plugin of readIndex(paths).plugins) {
    const { [name]: file } = plugin.extensions[kind]
    if (file === undefined || !Object.hasOwn(plugin.extensions[kind], name)) continue
    return { title: `the ${TITLES[kind]} ${name} of ${plugin.name}`, plugin, kind, name, path: join(plugin.root, file) }
  }
  return undefined
}

/** Names of all that plugins bring of a kind. */
export function extensionNames(paths: Paths, kind: ExtensionKind): readonly string[] {
  if (!existsSync(npmIndexPath(paths))) return []
  return readIndex(paths).plugins.flatMap(({ extensions }) => Object.keys(extensions[kind]))
}

/**
 * @param more - what its default export gets besides the context
 * @param methods - what the result must have
 * @throws {ContractMismatch} @throws {PluginFailed}
 */
export async function openExtension<T extends object>(
  paths: Paths,
  extension: Extension,
  { methods, more = [] }: { readonly methods: readonly (keyof T & string)[]; readonly more?: readonly unknown[] },
): Promise<T> {
  checkPlugin(extension.plugin)
  const create = await loadModule(extension)
  const opened = await guard(extension, async () => create(contextOf(paths, extension), ...more))
  const missing = methods.find(
    (method) => typeof (opened as Record<string, unknown> | undefined)?.[method] !== 'function',
  )
  if (missing !== undefined) throw new PluginFailed(extension.title, `it has no method ${missing}`)
  return guarded(extension, opened as T)
}

async function loadModule(extension: Extension): Promise<(...words: unknown[]) => unknown> {
  const { path, title } = extension
  resolveContract(contractModule())
  // Its real path, so that a linked plugin finds its own dependencies.
  const href = existsSync(path) ? pathToFileURL(realpathSync(path)).href : undefined
  if (href === undefined) throw new PluginFailed(title, `${path} is not there any more`, { hint: repair(extension) })
  const module = (await guard(extension, () => inTime(import(href)))) as { default?: unknown }
  if (typeof module.default !== 'function') throw new PluginFailed(title, 'its default export is no function')
  return module.default as (...words: unknown[]) => unknown
}

const repair = ({ plugin: { name, type, root } }: Extension): string =>
  type === 'link' ? `is ${root} still there? coracle plugins uninstall ${name}` : `coracle plugins update ${name}`

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not loaded within ${LOAD_TIMEOUT_MS / 1000} s`)), LOAD_TIMEOUT_MS)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

function contextOf(paths: Paths, { name, kind, plugin }: Extension): ExtensionContext {
  const own = join('npm-data', plugin.name.replaceAll('/', '+'), kind, name)
  const context = { name, dataDirectory: join(paths.root, own), runDirectory: join(paths.run, own) }
  for (const path of [context.dataDirectory, context.runDirectory]) mkdirSync(path, { recursive: true, mode: 0o700 })
  return context
}

/** Whatever a plugin throws is a failure of the plugin, told in one line, and no bug of Coracle's. */
async function guard<T>({ title }: Pick<Extension, 'title'>, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw failure(title, error)
  }
}

function failure(title: string, error: unknown): CoracleError {
  if (error instanceof CoracleError) return error
  const { message = String(error), hint } = (error ?? {}) as { message?: unknown; hint?: unknown }
  return new PluginFailed(title, oneLine(String(message)), {
    cause: error,
    ...(typeof hint === 'string' && { hint: oneLine(hint) }),
  })
}

/** The same with every method of it guarded, those that answer at once as well. */
export function guarded<T extends object>({ title }: Pick<Extension, 'title'>, target: T): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key)
      if (typeof value !== 'function') return value
      return (...words: unknown[]) => {
        try {
          const result: unknown = Reflect.apply(value, object, words)
          return result instanceof Promise ? result.catch((error) => Promise.reject(failure(title, error))) : result
        } catch (error) {
          throw failure(title, error)
        }
      }
    },
  })
}
