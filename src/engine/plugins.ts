/** Single-file commands, as the commands see them. Opened apart from the engine: most of it needs no state at all. */
import { Cancelled, InvalidArgument } from '../errors.ts'
import { parseDigest } from '../oci/digest.ts'
import { canonicalName, parseReference, withDefaultTag } from '../oci/reference.ts'
import { type Paths, readPaths } from '../paths.ts'
import { pushArtifact } from '../plugins/artifact.ts'
import { createPlugin, type Template } from '../plugins/create.ts'
import { PermissionNotGranted, type PluginBroken, PluginDigestNeeded } from '../plugins/errors.ts'
import {
  installPlugin,
  type Proposal,
  type ProposeOptions,
  permissionsNeeded,
  proposePlugin,
  proposeUpdate,
} from '../plugins/install.ts'
import { refuseClash } from '../plugins/npm/commands.ts'
import { describePermission, missingPermissions, permissionKind } from '../plugins/permissions.ts'
import type { Permission } from '../plugins/plugin.ts'
import { runPlugin, type Typed } from '../plugins/run.ts'
import type { Reach } from '../plugins/source.ts'
import { type InstalledPlugin, listPlugins, readPlugin, removePlugin, replacePlugin } from '../plugins/store.ts'
import type { Engine } from './engine.ts'
import { pluginHost } from './plugin-host.ts'
import { alone } from './plugin-lock.ts'
import { openRegistry } from './registry.ts'
import { reservedNames } from './reserved-names.ts'

export type { InstalledPlugin, Permission, Proposal }

/** How the user decides about permissions. */
export interface Consent {
  /** What flags grant: kinds, whole permissions, `all` for whatever is asked. */
  readonly allowed: ReadonlySet<string>
  /** What is left is not granted, and nobody asked. */
  readonly denyRest: boolean
  /** Undefined where there is no terminal. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined
}

export interface UpdateOptions {
  readonly consent: Consent
  /** What the content must be. */
  readonly digest?: string | undefined
}

export interface AddOptions extends UpdateOptions {
  readonly name?: string | undefined
}

export interface Plugins {
  /** Writes a new plugin below the current directory. @returns the files it made */
  create(name: string, template: Template): readonly string[]
  /** Installs what `source` leads to, a path, an address or `oci://…`, under its declared name or `name`. */
  add(source: string, options: AddOptions): Promise<InstalledPlugin>
  /** Takes again what the plugin was made of; if it has changed, that needs consent anew. Undefined: it has not. */
  update(name: string, options: UpdateOptions): Promise<InstalledPlugin | undefined>
  /** Pushes a file as an artifact. @returns the whole name of each, with the digest, in their order */
  publish(file: string, names: readonly string[]): Promise<readonly string[]>
  list(): { readonly plugins: readonly InstalledPlugin[]; readonly broken: readonly PluginBroken[] }
  /** @throws {PluginNotFound} @throws {PluginBroken} */
  read(name: string): InstalledPlugin
  /** @throws {PluginNotFound} */
  remove(name: string): Promise<void>
  /** Takes back permissions: whole words, kinds, or all when `words` is empty. @throws {PermissionNotGranted} nothing is taken back then */
  revoke(name: string, words: readonly string[]): Promise<InstalledPlugin>
  /** @returns the exit status */
  run(plugin: InstalledPlugin, typed: Typed, engine: () => Promise<Engine>): Promise<number>
}

export function openPlugins(paths: Paths = readPaths()): Plugins {
  return {
    create: (name, template) => createPlugin(process.cwd(), name, template),
    add: (source, options) =>
      withReach(async (reach) => {
        const proposal = await proposePlugin(source, { ...proposeOptions(reach, options), name: options.name })
        refuseClash(paths, proposal.declaration.name)
        await confirmContent(proposal, options.consent)
        const granted = await agree(proposal, options.consent)
        return alone(paths, 'plugins', () => installPlugin(paths, proposal, granted))
      }),
    update: (name, options) =>
      withReach(async (reach) => {
        const proposal = await proposeUpdate(paths, name, proposeOptions(reach, options))
        if (proposal === undefined) return undefined
        await confirmContent(proposal, options.consent)
        const granted = await agree(proposal, options.consent)
        return alone(paths, 'plugins', () => installPlugin(paths, proposal, granted))
      }),
    publish: (file, names) => withReach((reach) => publish(file, names, reach)),
    list: () => listPlugins(paths),
    read: (name) => readPlugin(paths, name),
    remove: (name) => alone(paths, 'plugins', () => removePlugin(paths, name)),
    revoke: (name, words) => alone(paths, 'plugins', () => revoke(paths, name, words)),
    run: (plugin, typed, engine) =>
      runPlugin(paths, plugin, {
        typed,
        engine: async () => pluginHost(await engine()),
        // Not with what was read before: somebody may have revoked something since.
        remember: (contractChecked) =>
          alone(paths, 'plugins', () => replacePlugin(paths, { ...readPlugin(paths, plugin.name), contractChecked })),
      }),
  }
}

function revoke(paths: Paths, name: string, words: readonly string[]): InstalledPlugin {
  const plugin = readPlugin(paths, name)
  const means = (word: string, each: Permission) => word === each || word === permissionKind(each)
  const unknown = words.filter((word) => !plugin.granted.some((each) => means(word, each)))
  if (unknown.length > 0) throw new PermissionNotGranted(name, unknown, plugin.granted)
  const left = plugin.granted.filter((each) => words.length > 0 && !words.some((word) => means(word, each)))
  const changed = { ...plugin, granted: left }
  replacePlugin(paths, changed)
  return changed
}

function proposeOptions(reach: Reach, { digest }: UpdateOptions): ProposeOptions {
  return { reach, reserved: reservedNames(), digest: digest === undefined ? undefined : parseDigest(digest) }
}

/** The network, opened when it is first needed and closed in the end. */
async function withReach<T>(work: (reach: Reach) => Promise<T>): Promise<T> {
  const { client } = openRegistry()
  const download: Reach['download'] = async (...args) => (await import('../registry/download.ts')).downloadFile(...args)
  try {
    return await work({ download, repository: client.repository })
  } finally {
    await client.close()
  }
}

async function publish(file: string, names: readonly string[], reach: Reach): Promise<string[]> {
  const references = names.map((name) => withDefaultTag(parseReference(name.replace(/^oci:\/\//, ''))))
  const pinned = references.find(({ digest }) => digest !== undefined)
  if (pinned !== undefined)
    throw new InvalidArgument('a digest is what publishing answers, not where it can be sent to')
  const proposal = await proposePlugin(file, { reach, reserved: reservedNames() })
  const published: string[] = []
  for (const reference of references) {
    const digest = await pushArtifact(reach.repository(reference, 'push'), proposal)
    published.push(`oci://${canonicalName(reference)}@${digest}`)
  }
  return published
}

/** What comes by a name that can change its meaning is what its digest says once the user has said so. */
async function confirmContent(
  { origin, pin, declaration, replaces, unconfirmed }: Proposal,
  { ask }: Consent,
): Promise<void> {
  if (!unconfirmed) return
  if (ask === undefined) throw new PluginDigestNeeded(origin, pin)
  const question =
    replaces === undefined
      ? `${origin} has the digest ${pin}. Is that what you want?`
      : `${declaration.name} has changed from ${replaces.pin} to ${pin}. Take the new one?`
  if (!(await ask(question))) throw new Cancelled()
}

/** What the file gets of what it asks for. @throws {PermissionsNeeded} nobody is there to decide */
async function agree(proposal: Proposal, { allowed, denyRest, ask }: Consent): Promise<Permission[]> {
  const { declaration, replaces } = proposal
  const wanted = declaration.permissions
  const granted = wanted.filter((each) => ['all', permissionKind(each), each].some((word) => allowed.has(word)))
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
