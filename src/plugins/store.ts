/**
 * Where single-file commands live: `plugins/NAME/` below the data root, with `plugin.json` and the file itself under its digest.
 * A directory comes and goes by one rename, `plugin.json` changes by one: whoever looks meanwhile sees the old or the new.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, digestOf, isDigest } from '../oci/digest.ts'
import { type Paths, pluginDirectory, pluginsDirectory } from '../paths.ts'
import { randomHex } from '../util/random.ts'
import { removeAll } from '../util/remove-all.ts'
import type { Language } from './confine.ts'
import { type Declaration, readDeclaration } from './declaration.ts'
import { PluginBroken, PluginExists, PluginNotFound } from './errors.ts'
import { permissionFault } from './permissions.ts'
import type { Permission } from './plugin.ts'

export interface InstalledPlugin {
  readonly name: string
  readonly language: Language
  /** Where it was taken from: the path of a file, an address, or `oci://` and a reference. */
  readonly origin: string
  /** Of the file. */
  readonly digest: Digest
  /** What the user agreed to: of an artifact the digest of its manifest, else that of the file. */
  readonly pin: Digest
  readonly sizeBytes: number
  /** RFC 3339. */
  readonly installedAt: string
  /** The version of the contract that it was last compared with. */
  readonly contractChecked: string
  readonly granted: readonly Permission[]
  readonly declaration: Declaration
}

const FILE = 'plugin.json'
const NAME = /^[a-z][a-z0-9-]{0,62}$/

const codePath = (directory: string, digest: string): string => join(directory, digest.slice('sha256:'.length))

/** @throws {PluginExists} */
export function addPlugin(paths: Paths, plugin: InstalledPlugin, bytes: Buffer): void {
  const target = pluginDirectory(paths, plugin.name)
  const fresh = join(pluginsDirectory(paths), `.new-${randomHex(8)}`)
  mkdirSync(fresh, { recursive: true, mode: 0o700 })
  removeRemains(pluginsDirectory(paths))
  try {
    writeFileSync(codePath(fresh, plugin.digest), bytes, { mode: 0o600 })
    writeFileSync(join(fresh, FILE), JSON.stringify(plugin), { mode: 0o600 })
    if (existsSync(target)) throw new PluginExists(plugin.name)
    renameSync(fresh, target) // fails if somebody else was faster: theirs is not empty
  } catch (error) {
    removeAll(fresh)
    throw (error as NodeJS.ErrnoException).code === 'ENOTEMPTY' ? new PluginExists(plugin.name) : error
  }
}

const REMAINS_MS = 3_600_000

/** Of commands that were killed half-way. */
function removeRemains(directory: string): void {
  for (const name of readdirSync(directory).filter((each) => /^\.(?:new|old)-/.test(each))) {
    const stat = statSync(join(directory, name), { throwIfNoEntry: false })
    if (stat !== undefined && Date.now() - stat.mtimeMs > REMAINS_MS) removeAll(join(directory, name))
  }
}

/** Puts another record, and perhaps another file, in place of what is there. */
export function replacePlugin(paths: Paths, plugin: InstalledPlugin, bytes?: Buffer): void {
  const directory = pluginDirectory(paths, plugin.name)
  const fresh = join(directory, `.new-${randomHex(8)}`)
  if (bytes !== undefined) {
    writeFileSync(fresh, bytes, { mode: 0o600 })
    renameSync(fresh, codePath(directory, plugin.digest))
  }
  writeFileSync(fresh, JSON.stringify(plugin), { mode: 0o600 })
  renameSync(fresh, join(directory, FILE))
  const kept = [FILE, plugin.digest.slice('sha256:'.length)]
  for (const name of readdirSync(directory)) if (!kept.includes(name)) removeAll(join(directory, name))
}

/** Is something installed under that name, be it broken? */
export function hasPlugin(paths: Paths, name: string): boolean {
  return NAME.test(name) && existsSync(pluginDirectory(paths, name))
}

/** @throws {PluginNotFound} @throws {PluginBroken} */
export function readPlugin(paths: Paths, name: string): InstalledPlugin {
  const path = join(pluginDirectory(paths, name), FILE)
  if (!hasPlugin(paths, name)) throw new PluginNotFound(name)
  try {
    return checkedRecord(JSON.parse(readFileSync(path, 'utf8')), name)
  } catch (error) {
    throw new PluginBroken(name, 'its record cannot be read', { cause: error })
  }
}

/** All that can be read, by name, and what is wrong with the others. */
export function listPlugins(paths: Paths): { plugins: InstalledPlugin[]; broken: PluginBroken[] } {
  const plugins: InstalledPlugin[] = []
  const broken: PluginBroken[] = []
  const directory = pluginsDirectory(paths)
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => NAME.test(name)) : []
  for (const name of names.sort()) {
    try {
      plugins.push(readPlugin(paths, name))
    } catch (error) {
      if (error instanceof PluginBroken) broken.push(error)
      else if (!(error instanceof PluginNotFound)) throw error // it has just been uninstalled
    }
  }
  return { plugins, broken }
}

/** The file as it was installed. @throws {PluginBroken} it is not what it was */
export function readPluginCode(paths: Paths, { name, digest }: InstalledPlugin): Buffer {
  let bytes: Buffer
  try {
    bytes = readFileSync(codePath(pluginDirectory(paths, name), digest))
  } catch (error) {
    throw new PluginBroken(name, 'its file cannot be read', { cause: error })
  }
  if (digestOf(bytes) !== digest) throw new PluginBroken(name, 'its file has changed since it was installed')
  return bytes
}

/** @throws {PluginNotFound} */
export function removePlugin(paths: Paths, name: string): void {
  const gone = join(pluginsDirectory(paths), `.old-${randomHex(8)}`)
  if (!NAME.test(name)) throw new PluginNotFound(name)
  try {
    renameSync(pluginDirectory(paths, name), gone)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new PluginNotFound(name) : error
  }
  removeAll(gone)
}

function checkedRecord(value: unknown, name: string): InstalledPlugin {
  const record = value as Omit<InstalledPlugin, 'pin'> & { readonly pin?: Digest } // older ones have none
  const sound =
    record.name === name &&
    ['ts', 'js', 'wasm'].includes(record.language) &&
    /^sha256:[0-9a-f]{64}$/.test(record.digest) &&
    (record.pin === undefined || isDigest(record.pin)) &&
    record.granted.every((word) => permissionFault(word) === undefined)
  if (!sound) throw new Error('the record makes no sense')
  return { ...record, pin: record.pin ?? record.digest, declaration: readDeclaration(record.declaration, name, name) }
}
