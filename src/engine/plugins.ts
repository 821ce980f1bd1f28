/** Single-file commands, as the commands see them. Opened apart from the engine: most of it needs no state at all. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../package-root.ts'
import { type Paths, readPaths } from '../paths.ts'
import { createPlugin, type Template } from '../plugins/create.ts'
import type { PluginBroken } from '../plugins/errors.ts'
import {
  installPlugin,
  isUnchanged,
  type Proposal,
  permissionsNeeded,
  proposePlugin,
  proposeUpdate,
} from '../plugins/install.ts'
import { describePermission, missingPermissions, permissionKind } from '../plugins/permissions.ts'
import type { Permission } from '../plugins/plugin.ts'
import { type EngineCalls, runPlugin, type Typed } from '../plugins/run.ts'
import { type InstalledPlugin, listPlugins, readPlugin, removePlugin, replacePlugin } from '../plugins/store.ts'
import type { Engine } from './engine.ts'
import { listedContainer, listedImage } from './plugin-documents.ts'

export type { InstalledPlugin, Permission, Proposal }

/** How the user decides about permissions. */
export interface Consent {
  /** Kinds granted by flags; `all` for whatever is asked. */
  readonly allowed: ReadonlySet<string>
  /** What is left is not granted, and nobody asked. */
  readonly denyRest: boolean
  /** Undefined where there is no terminal. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined
}

export interface Plugins {
  /** Writes a new plugin below the current directory. @returns the files it made */
  create(name: string, template: Template): readonly string[]
  /** Installs a file under its declared name or `name`. */
  add(
    file: string,
    options: { readonly name?: string | undefined; readonly consent: Consent },
  ): Promise<InstalledPlugin>
  /** Takes the file again that the plugin was made of; a changed one needs consent anew. Undefined: it has not changed. */
  update(name: string, consent: Consent): Promise<InstalledPlugin | undefined>
  list(): { readonly plugins: readonly InstalledPlugin[]; readonly broken: readonly PluginBroken[] }
  /** @throws {PluginNotFound} @throws {PluginBroken} */
  read(name: string): InstalledPlugin
  /** @throws {PluginNotFound} */
  remove(name: string): void
  /** Takes back permissions: whole words, kinds, or all when `words` is empty. */
  revoke(name: string, words: readonly string[]): InstalledPlugin
  /** @returns the exit status */
  run(plugin: InstalledPlugin, typed: Typed, engine: () => Promise<Engine>): Promise<number>
}

export function openPlugins(paths: Paths = readPaths()): Plugins {
  return {
    create: (name, template) => createPlugin(process.cwd(), name, template),
    add: async (file, { name, consent }) => {
      const proposal = await proposePlugin(file, { name, reserved: reservedNames() })
      return installPlugin(paths, proposal, await agree(proposal, consent))
    },
    update: async (name, consent) => {
      const proposal = await proposeUpdate(paths, name, reservedNames())
      if (isUnchanged(proposal)) return undefined
      return installPlugin(paths, proposal, await agree(proposal, consent))
    },
    list: () => listPlugins(paths),
    read: (name) => readPlugin(paths, name),
    remove: (name) => removePlugin(paths, name),
    revoke: (name, words) => {
      const plugin = readPlugin(paths, name)
      const gone = (each: Permission) =>
        words.length === 0 || words.includes(each) || words.includes(permissionKind(each))
      const left = { ...plugin, granted: plugin.granted.filter((each) => !gone(each)) }
      replacePlugin(paths, left)
      return left
    },
    run: (plugin, typed, engine) => runPlugin(paths, plugin, { typed, engine: async () => callsOf(await engine()) }),
  }
}

/** What the file gets of what it asks for. @throws {PermissionsNeeded} nobody is there to decide */
async function agree(proposal: Proposal, { allowed, denyRest, ask }: Consent): Promise<Permission[]> {
  const { declaration, replaces } = proposal
  const wanted = declaration.permissions
  const granted = wanted.filter((each) => allowed.has('all') || allowed.has(permissionKind(each)))
  const open = missingPermissions(wanted, granted)
  if (open.length === 0 || denyRest) return granted
  if (ask === undefined) throw permissionsNeeded(proposal, granted)
  const old = replaces?.granted ?? []
  for (const each of open) {
    const again = replaces === undefined ? '' : old.includes(each) ? ' (as before)' : ' (NEW)'
    if (await ask(`Allow ${declaration.name} to ${describePermission(each)}?${again}`)) granted.push(each)
  }
  return granted
}

/** Commands, their other names and their topics: whatever the first word can be. */
function reservedNames(): ReadonlySet<string> {
  const text = readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8')
  const { commands } = JSON.parse(text) as { commands: Record<string, { aliases?: string[] }> }
  const ids = Object.entries(commands).flatMap(([id, { aliases = [] }]) => [id, ...aliases])
  // Not there yet, and nobody shall come to rely on them.
  const planned = ['help', 'build', 'buildx', 'compose', 'serve', 'search', 'context', 'wasm', 'plugin', 'autocomplete']
  return new Set([...ids.map((id) => id.split(':')[0] ?? id), ...planned])
}

function callsOf({ images, containers }: Engine): EngineCalls {
  return {
    'images.list': async (options) => (await images.list(options)).map(listedImage),
    'images.inspect': (name) => images.inspect(name),
    'containers.list': async (options) => (await containers.list(options)).map(listedContainer),
    'containers.inspect': (name) => containers.inspect(name),
  }
}
