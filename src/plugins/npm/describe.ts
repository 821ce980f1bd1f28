/** What a package brings, found out before anything of it is used (describe.entry.ts), and doubted. */
import { spawn } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { packageRoot } from '../../package-root.ts'
import { checkContract } from '../contract-version.ts'
import { CONTRACT_VERSION } from '../plugin.ts'
import { visible } from '../reader.ts'
import type { IndexedCommand, IndexedPlugin } from './index-file.ts'
import { EXTENSION_KINDS, type Extensions, readPackageSection } from './package-section.ts'

export interface DescribeRequest {
  readonly root: string
  /** Files of the package that have to be loadable. */
  readonly modules: readonly string[]
  readonly contract: string
}

export interface Description {
  readonly commands: readonly IndexedCommand[]
  readonly hooks: readonly string[]
  readonly topics: Readonly<Record<string, string>>
  readonly faults: readonly string[]
}

export interface PackageOrigin {
  readonly root: string
  readonly type: 'user' | 'link'
  readonly origin: string
  readonly integrity: string
}

const TIMEOUT_MS = 20_000
const MAX_ANSWER_BYTES = 4 << 20
const MAX_COMMANDS = 1000
const COMMAND_ID = /^[a-z][a-z0-9_-]*(?::[a-z0-9][a-z0-9_-]*){0,2}$/i
const NOTHING: Omit<Description, 'faults'> = { commands: [], hooks: [], topics: {} }

/**
 * @param reserved - first words of Coracle's own commands, which no plugin may have
 * @throws {PluginInvalid} it is no package, or its package.json makes no sense
 * @throws {ContractMismatch} it was written for another Coracle
 */
export async function describePackage(origin: PackageOrigin, reserved: ReadonlySet<string>): Promise<IndexedPlugin> {
  const { root } = origin
  const section = readPackageSection(root)
  if (section.contract !== undefined) checkContract(section.name, section.contract)
  const { commands, hooks, topics, faults } = await look({
    root,
    modules: modulesOf(section.extensions),
    contract: contractModule(),
  })
  const [own, foreign] = [
    commands.filter((each) => !isReserved(each, reserved)),
    commands.filter((each) => isReserved(each, reserved)),
  ]
  return {
    ...origin,
    name: section.name,
    version: section.version,
    summary: section.summary,
    contract: section.contract,
    extensions: section.extensions,
    installedAt: new Date().toISOString(),
    commands: own.map((each) => ({
      ...each,
      aliases: each.aliases.filter((alias) => !reserved.has(firstWord(alias))),
    })),
    topics,
    hooks,
    faults: [
      ...faults.map(oneLine),
      ...foreign.map(({ id }) => `its command '${id}' is left out: Coracle has that word itself`),
    ],
    stamps: origin.type === 'link' ? stampsOf(root) : {},
  }
}

/** Processes of credential helpers are programs, and not loaded. */
function modulesOf(extensions: Extensions): readonly string[] {
  const kinds = EXTENSION_KINDS.filter((kind) => kind !== 'credentialHelpers')
  return [...new Set(kinds.flatMap((kind) => Object.values(extensions[kind])))]
}

/** `coracle/plugin` as plugins get it: built, or from the sources. */
export function contractModule(): string {
  return isSource() ? join(import.meta.dirname, '..', 'plugin.ts') : join(packageRoot, 'dist', 'plugin.mjs')
}

const isSource = (): boolean => import.meta.filename.endsWith('.ts')

function entryPath(): string {
  return isSource()
    ? join(import.meta.dirname, 'describe.entry.ts')
    : join(packageRoot, 'dist', 'plugins', 'npm', 'describe.entry.js')
}

function firstWord(id: string): string {
  return id.split(':')[0] ?? id
}

function isReserved({ id }: IndexedCommand, reserved: ReadonlySet<string>): boolean {
  return reserved.has(firstWord(id))
}

/** One that does not answer in time is killed, and has a fault. */
async function look(request: DescribeRequest): Promise<Description> {
  const flags = ['--permission', '--allow-fs-read=*', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, entryPath(), JSON.stringify(request)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    cwd: '/',
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (status, signal) =>
      resolve(
        signal === null ? `its process ended with ${status}` : `loading it took longer than ${TIMEOUT_MS / 1000} s`,
      ),
    )
  })
  const [answer, complaint, end] = await Promise.all([
    collect(child.stdio[3] as Readable, () => child.kill('SIGKILL')),
    collect(child.stdio[2] as Readable, () => {}),
    ended,
  ])
  clearTimeout(timer)
  return readDescription(answer) ?? { ...NOTHING, faults: [`it cannot be loaded: ${lastError(complaint) ?? end}`] }
}

async function collect(stream: Readable, tooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_ANSWER_BYTES) tooMuch()
    else chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Node prints a failure as a block with the message on a line of its own. */
function lastError(text: string): string | undefined {
  return text.split('\n').find((line) => /^\w*(?:Error|Exception)\b.*: /.test(line))
}

function readDescription(text: string): Description | undefined {
  let value: Description
  try {
    value = JSON.parse(text) as Description
  } catch {
    return undefined // whoever called says what came in its place
  }
  const sound = value.commands.filter(({ id }) => COMMAND_ID.test(id)).slice(0, MAX_COMMANDS)
  const aliases = (all: readonly string[]) => all.filter((alias) => COMMAND_ID.test(alias))
  return {
    commands: sound.map(({ id, summary, aliases: others, hidden }) => ({
      id,
      summary: oneLine(summary),
      aliases: aliases(others),
      hidden,
    })),
    hooks: value.hooks,
    topics: Object.fromEntries(Object.entries(value.topics).map(([name, text]) => [oneLine(name), oneLine(text)])),
    faults: value.faults,
  }
}

export function oneLine(text: string): string {
  return visible(text.replace(/\s+/g, ' ').trim()).slice(0, 300)
}

/** What changes when somebody works on a linked plugin: its two documents, and the list of its commands. */
export function stampsOf(root: string): Readonly<Record<string, number>> {
  const documents = ['package.json', 'oclif.manifest.json']
  const directories = globSync(['{src,lib,dist}', '{src,lib,dist}/commands{,/*/}'], { cwd: root })
  return Object.fromEntries(
    [...documents, ...directories].flatMap((name) => {
      const path = join(root, name)
      return existsSync(path) ? [[name, statSync(path).mtimeMs] as const] : []
    }),
  )
}

/** @returns whether what is known of it may be out of date */
export function hasChanged({ root, type, stamps }: IndexedPlugin): boolean {
  if (type !== 'link') return false
  const now = stampsOf(root)
  return JSON.stringify(now) !== JSON.stringify(stamps)
}

/** With what is wrong at this moment: a linked one may have gone away since. */
export function asItIs<Plugin extends Pick<IndexedPlugin, 'root' | 'faults'>>(plugin: Plugin): Plugin {
  if (existsSync(plugin.root)) return plugin
  return { ...plugin, faults: [...plugin.faults, `${plugin.root} is not there any more`] }
}

/** Of a plugin that was installed under an older Coracle. @throws {ContractMismatch} */
export function checkPlugin({ name, contract }: Pick<IndexedPlugin, 'name' | 'contract'>): void {
  if (contract !== undefined) checkContract(name, contract, CONTRACT_VERSION)
}
