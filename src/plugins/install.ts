/** From a file to an installed command: what it is, whether it fits, and what it asks for. Nothing is stored before the user agreed. */
import { readFileSync, statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import type { Paths } from '../paths.ts'
import type { Language } from './confine.ts'
import { checkContract } from './contract-version.ts'
import { type Declaration, readDeclaration } from './declaration.ts'
import { PermissionsNeeded, PluginInvalid, PluginNameTaken } from './errors.ts'
import { missingPermissions, permissionKind } from './permissions.ts'
import { CONTRACT_VERSION, type Permission } from './plugin.ts'
import { askDeclaration } from './process.ts'
import { addPlugin, digestOf, type InstalledPlugin, readPlugin, replacePlugin } from './store.ts'
import { readWasmDeclaration } from './wasm-section.ts'

/** A file that could become a command. */
export interface Proposal {
  readonly origin: string
  readonly language: Language
  readonly bytes: Buffer
  readonly declaration: Declaration
  /** What is installed under its name, when it is to take that one's place. */
  readonly replaces?: InstalledPlugin
}

export interface ProposeOptions {
  /** In place of the declared one. */
  readonly name?: string | undefined
  /** Names that no plugin may have. */
  readonly reserved: ReadonlySet<string>
}

const MAX_FILE_BYTES = 16 << 20
const LANGUAGES: Readonly<Record<string, Language>> = {
  '.ts': 'ts',
  '.js': 'js',
  '.wasm': 'wasm',
  '.mts': 'ts',
  '.mjs': 'js',
}

/** @throws {PluginInvalid} @throws {PluginNameTaken} @throws {ContractMismatch} */
export async function proposePlugin(file: string, { name, reserved }: ProposeOptions): Promise<Proposal> {
  const origin = resolve(file)
  const language = LANGUAGES[extname(origin)]
  if (language === undefined)
    throw new PluginInvalid(file, 'its name must end in .ts, .js or .wasm', {
      hint: 'a single-file command is one such file',
    })
  const bytes = readSource(origin, file)
  const source = bytes.toString('base64')
  const start = { name: basename(file), source, args: {}, flags: {}, words: [] }
  const said = language === 'wasm' ? readWasmDeclaration(bytes, file) : await askDeclaration(start, language)
  const own = readDeclaration(said, file, fileName(origin))
  const declaration = name === undefined ? own : readDeclaration({ ...own, name }, file, name)
  if (reserved.has(declaration.name)) throw new PluginNameTaken(declaration.name)
  const foreign = declaration.permissions.find((each) => language === 'wasm' && permissionKind(each) !== 'env')
  if (foreign !== undefined)
    throw new PluginInvalid(file, `it asks for '${foreign}', and a module can be granted nothing but env`)
  checkContract(declaration.name, declaration.contract)
  return { origin, language, bytes, declaration }
}

/** The same for the file that a command was made of, as it is now. */
export async function proposeUpdate(paths: Paths, name: string, reserved: ReadonlySet<string>): Promise<Proposal> {
  const replaces = readPlugin(paths, name)
  return { ...(await proposePlugin(replaces.origin, { name, reserved })), replaces }
}

/**
 * Nobody has to agree twice to the same file.
 *
 * @returns whether it is the very file that is installed
 */
export const isUnchanged = ({ bytes, replaces }: Proposal): boolean => replaces?.digest === digestOf(bytes)

/** @throws {PermissionsNeeded} the file asks for more than `granted` @throws {PluginExists} */
export function installPlugin(paths: Paths, proposal: Proposal, granted: readonly Permission[]): InstalledPlugin {
  const { origin, language, bytes, declaration, replaces } = proposal
  const plugin: InstalledPlugin = {
    name: declaration.name,
    language,
    origin,
    digest: digestOf(bytes),
    sizeBytes: bytes.length,
    installedAt: new Date().toISOString(),
    contractChecked: CONTRACT_VERSION,
    granted: granted.filter((each) => declaration.permissions.includes(each)),
    declaration,
  }
  if (replaces === undefined) addPlugin(paths, plugin, bytes)
  else replacePlugin(paths, plugin, bytes)
  return plugin
}

/** What a script can do about it, where there is nobody to ask. */
export function permissionsNeeded({ declaration }: Proposal, granted: readonly Permission[]): PermissionsNeeded {
  const missing = missingPermissions(declaration.permissions, granted)
  const flags = [...new Set(missing.map((each) => `--allow-${permissionKind(each)}`))]
  return new PermissionsNeeded(`${declaration.name} asks for ${missing.join(', ')}`, {
    hint: `there is no terminal to ask at: allow it with ${flags.join(' ')}, or leave it out with --deny-rest`,
  })
}

function readSource(path: string, file: string): Buffer {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new PluginInvalid(file, 'there is no such file')
  if (!stat.isFile()) throw new PluginInvalid(file, 'it is no file')
  if (stat.size > MAX_FILE_BYTES) throw new PluginInvalid(file, `it is larger than ${MAX_FILE_BYTES >> 20} MiB`)
  return readFileSync(path)
}

function fileName(path: string): string {
  return basename(path, extname(path)).toLowerCase()
}
