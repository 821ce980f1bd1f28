/** Plugins that npm installs, as the commands see them. Whoever changes what is installed holds a lock: one at a time. */
import { type Paths, readPaths } from '../paths.ts'
import { asItIs } from '../plugins/npm/describe.ts'
import { PluginIndexBroken } from '../plugins/npm/errors.ts'
import { type IndexedPlugin, readIndex } from '../plugins/npm/index-file.ts'
import {
  findPlugin,
  installPackage,
  linkPackage,
  resetPackages,
  uninstallPackage,
  updatePackage,
} from '../plugins/npm/install.ts'
import { hasPlugin } from '../plugins/store.ts'
import { alone } from './plugin-lock.ts'
import { reservedNames } from './reserved-names.ts'

export type { IndexedPlugin }

export interface NpmPlugins {
  /** @param spec - `NAME`, `NAME@VERSION`, `file:PATH`, an address */
  install(spec: string, options: { readonly scripts: boolean }): Promise<IndexedPlugin>
  /** A package that somebody works on, used where it lies. */
  link(path: string): Promise<IndexedPlugin>
  /** @throws {PluginNotFound} */
  uninstall(name: string): Promise<void>
  /** As it is now where it came from. @throws {PluginNotFound} */
  update(name: string, options: { readonly scripts: boolean }): Promise<IndexedPlugin>
  /** Forgets them all, in whatever state they are. */
  reset(): Promise<void>
  /** With what is wrong when the list of them cannot be read. */
  list(): { readonly packages: readonly IndexedPlugin[]; readonly broken?: PluginIndexBroken }
  has(name: string): boolean
  /** @throws {PluginNotFound} */
  read(name: string): IndexedPlugin
  /** Its document for `plugins inspect`. @throws {PluginNotFound} */
  inspect(name: string): object
}

export function openNpmPlugins(paths: Paths = readPaths()): NpmPlugins {
  const locked = <T>(work: () => Promise<T>) => alone(paths, 'npm-plugins', work)
  return {
    install: (spec, { scripts }) => locked(() => installPackage(paths, spec, { scripts, reserved: reservedNames() })),
    link: (path) => locked(() => linkPackage(paths, path, { reserved: reservedNames() })),
    uninstall: (name) => locked(() => uninstallPackage(paths, name)),
    update: (name, { scripts }) => locked(() => updatePackage(paths, name, { scripts, reserved: reservedNames() })),
    reset: () => locked(async () => resetPackages(paths)),
    list: () => listPackages(paths),
    has: (name) => isPackage(paths, name),
    read: (name) => findPlugin(paths, name),
    inspect: (name) => documentOf(asItIs(findPlugin(paths, name))),
  }
}

function listPackages(paths: Paths): ReturnType<NpmPlugins['list']> {
  try {
    return { packages: readIndex(paths).plugins.map(asItIs) }
  } catch (error) {
    if (!(error instanceof PluginIndexBroken)) throw error
    return { packages: [], broken: error }
  }
}

/** A list of packages that cannot be read shall not keep anybody from commands of single files. */
function isPackage(paths: Paths, name: string): boolean {
  try {
    return readIndex(paths).plugins.some((each) => each.name === name)
  } catch (error) {
    if (error instanceof PluginIndexBroken && hasPlugin(paths, name)) return false
    throw error
  }
}

function documentOf(plugin: IndexedPlugin): object {
  const { backends, logDrivers, networkDrivers, volumeDrivers, credentialHelpers } = plugin.extensions
  return {
    Name: plugin.name,
    Type: plugin.type === 'link' ? 'link' : 'npm',
    Version: plugin.version,
    Summary: plugin.summary,
    Origin: plugin.origin,
    Integrity: plugin.integrity,
    Directory: plugin.root,
    Installed: plugin.installedAt,
    Contract: plugin.contract ?? '',
    Commands: plugin.commands.map(({ id }) => id.replaceAll(':', ' ')),
    Hooks: plugin.hooks,
    Backends: Object.keys(backends),
    LogDrivers: Object.keys(logDrivers),
    NetworkDrivers: Object.keys(networkDrivers),
    VolumeDrivers: Object.keys(volumeDrivers),
    CredentialHelpers: Object.keys(credentialHelpers),
    Granted: ['all'],
    Faults: plugin.faults,
  }
}
