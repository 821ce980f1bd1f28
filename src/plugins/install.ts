/** From a file to an installed command: what it is, whether it fits, and what it asks for. Nothing is stored before the user agreed. */
import { basename, extname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Digest, digestOf } from '../oci/digest.ts'
import type { Paths } from '../paths.ts'
import { checkContract } from './contract-version.ts'
import { type Declaration, readDeclaration } from './declaration.ts'
import { PermissionsNeeded, PluginChanged, PluginDigestMismatch, PluginInvalid, PluginNameTaken } from './errors.ts'
import { missingPermissions, moduleFault } from './permissions.ts'
import { CONTRACT_VERSION, type Permission } from './plugin.ts'
import { askDeclaration } from './process.ts'
import { type Fetched, fetchSource, type Reach, readArtifactName } from './source.ts'
import { addPlugin, hasPlugin, type InstalledPlugin, readPlugin, replacePlugin } from './store.ts'
import { readWasmDeclaration } from './wasm-section.ts'

/** A file that could become a command. */
export interface Proposal extends Fetched {
  readonly declaration: Declaration
  /** What is installed under its name, when it is to take that one's place. */
  readonly replaces?: InstalledPlugin
}

export interface ProposeOptions {
  /** In place of the declared one. */
  readonly name?: string | undefined
  /** Names that no plugin may have. */
  readonly reserved: ReadonlySet<string>
  readonly reach: Reach
  /** What the content must be, by the digest that stands for it. */
  readonly digest?: Digest | undefined
}

/**
 * @param source - a path, an address, or `oci://…`
 * @throws {PluginInvalid} @throws {PluginNameTaken} @throws {ContractMismatch} @throws {PluginDigestMismatch}
 */
export async function proposePlugin(source: string, options: ProposeOptions): Promise<Proposal> {
  const { name, reserved, digest } = options
  const fetched = await fetchSource(source, options.reach)
  const { origin, file, language, bytes, pin } = fetched
  if (digest !== undefined && pin !== digest) throw new PluginDigestMismatch(origin, digest, pin)
  const start = { name: basename(file), source: bytes.toString('base64'), args: {}, flags: {}, words: [] }
  const said = language === 'wasm' ? readWasmDeclaration(bytes, file) : await askDeclaration(start, language)
  const own = readDeclaration(said, file, basename(file, extname(file)).toLowerCase())
  const declaration = name === undefined ? own : readDeclaration({ ...own, name }, file, name)
  if (reserved.has(declaration.name)) throw new PluginNameTaken(declaration.name)
  const foreign = declaration.permissions.find((each) => language === 'wasm' && moduleFault(each) !== undefined)
  if (foreign !== undefined) throw new PluginInvalid(file, `it asks for '${foreign}', and ${moduleFault(foreign)}`)
  checkContract(declaration.name, declaration.contract)
  return { ...fetched, unconfirmed: fetched.unconfirmed && digest === undefined, declaration }
}

/**
 * The same for what a command was made of, as it is now. Undefined: it has not changed, which nobody has to agree to again.
 */
export async function proposeUpdate(
  paths: Paths,
  name: string,
  options: ProposeOptions,
): Promise<Proposal | undefined> {
  const replaces = readPlugin(paths, name)
  const artifact = readArtifactName(replaces.origin)
  if (artifact?.digest !== undefined) return undefined
  if (artifact !== undefined) {
    const { digest } = await options.reach.repository(artifact, 'pull').resolve(artifact.tag ?? 'latest')
    if (digest === replaces.pin) return undefined
  }
  const proposal = await proposePlugin(replaces.origin, { ...options, name })
  return proposal.pin === replaces.pin ? undefined : { ...proposal, replaces }
}

/** The caller holds the lock. @throws {PluginExists} @throws {PluginChanged} what it replaces is not what the user was asked about */
export function installPlugin(paths: Paths, proposal: Proposal, granted: readonly Permission[]): InstalledPlugin {
  const { origin, language, bytes, pin, declaration, replaces } = proposal
  const plugin: InstalledPlugin = {
    name: declaration.name,
    language,
    origin,
    digest: digestOf(bytes),
    pin,
    sizeBytes: bytes.length,
    installedAt: new Date().toISOString(),
    contractChecked: CONTRACT_VERSION,
    granted: granted.filter((each) => declaration.permissions.includes(each)),
    declaration,
  }
  if (replaces === undefined) {
    addPlugin(paths, plugin, bytes)
    return plugin
  }
  if (!hasPlugin(paths, plugin.name) || !isDeepStrictEqual(readPlugin(paths, plugin.name), replaces))
    throw new PluginChanged(plugin.name)
  replacePlugin(paths, plugin, bytes)
  return plugin
}

/** What a script can do about it, where there is nobody to ask. */
export function permissionsNeeded({ declaration }: Proposal, granted: readonly Permission[]): PermissionsNeeded {
  const missing = missingPermissions(declaration.permissions, granted)
  const flags = missing.map((each) => `--grant ${each}`)
  return new PermissionsNeeded(`${declaration.name} asks for ${missing.join(', ')}`, {
    hint: `there is no terminal to ask at: allow it with ${flags.join(' ')}, or leave it out with --deny-rest`,
  })
}
