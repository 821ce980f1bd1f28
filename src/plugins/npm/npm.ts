/** npm itself, as oclif's plugin manager calls it, in a directory that holds nothing but installed plugins. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { InvalidArgument } from '../../errors.ts'
import { packageRoot } from '../../package-root.ts'
import { removeAll } from '../../util/remove-all.ts'
import { oneLine } from './describe.ts'
import { NpmFailed } from './errors.ts'

/** The part of oclif's manager that we need; it keeps `package.json` with the list of what is installed. */
export interface Manager {
  readonly npm: {
    install(words: string[], options: NpmOptions): Promise<unknown>
    uninstall(words: string[], options: NpmOptions): Promise<unknown>
  }
  add(...plugins: readonly ManagedPlugin[]): Promise<void>
  remove(name: string): Promise<void>
}

interface NpmOptions {
  readonly cwd: string
  readonly logLevel: 'silent'
  readonly prod?: boolean
}

export type ManagedPlugin =
  | { readonly name: string; readonly type: 'user'; readonly tag?: string; readonly url?: string }
  | { readonly name: string; readonly type: 'link'; readonly root: string }

export interface NpmDirectory {
  readonly path: string
  readonly manager: Manager
}

const FRESH = { name: 'coracle-plugins', private: true, dependencies: {}, oclif: { plugins: [], schema: 1 } }

/** @param path - it is there */
export async function openNpmDirectory(path: string): Promise<NpmDirectory> {
  const { default: Plugins } = (await import(pathToFileURL(managerPath()).href)) as {
    default: new (options: object) => Manager
  }
  const own = join(path, 'package.json')
  if (!existsSync(own)) writeFileSync(own, JSON.stringify(FRESH, null, 2))
  const config = { dataDir: path, name: 'coracle', pjson: { oclif: {} }, plugins: new Map() }
  return { path, manager: new Plugins({ config, logLevel: 'silent' }) }
}

/** The package shows its commands only; what they are made of is more exact, and the build has put it into one file. */
function managerPath(): string {
  if (!import.meta.filename.endsWith('.ts')) return join(packageRoot, 'dist', 'npm-manager.mjs')
  return join(dirname(createRequire(import.meta.url).resolve('@oclif/plugin-plugins')), 'plugins.js')
}

export interface InstallOptions {
  /** Lets packages run programs of their own while they are installed. */
  readonly scripts: boolean
}

/**
 * @returns the name of the package
 * @throws {NpmFailed} nothing has changed in `package.json` then
 */
export async function npmInstall(directory: NpmDirectory, spec: string, { scripts }: InstallOptions): Promise<string> {
  const { path, manager } = directory
  const before = readDependencies(path)
  // Exact: what is on record is what is there. Directories are copied like any other package, not linked to.
  const wanted = packageName(spec) === spec ? `${spec}@latest` : spec // npm would keep what is there
  const words = [wanted, '--save-exact', '--install-links', scripts ? '--no-ignore-scripts' : '--ignore-scripts']
  const logs = join(path, '.logs')
  try {
    await manager.npm.install([...words, `--logs-dir=${logs}`], { cwd: path, logLevel: 'silent', prod: true })
  } catch (error) {
    throw new NpmFailed(`npm cannot install ${oneLine(spec)}: ${complaint(logs)}`, { cause: error })
  } finally {
    removeAll(logs)
  }
  const after = readDependencies(path)
  const changed = Object.keys(after).find((name) => before[name] !== after[name])
  return changed ?? nameOf(after, spec, path)
}

/** The manager keeps npm's words to itself; npm's own log has them, as `12 error code E404`. */
function complaint(logs: string): string {
  const [newest] = existsSync(logs) ? readdirSync(logs).sort().reverse() : []
  const text = newest === undefined ? '' : readFileSync(join(logs, newest), 'utf8')
  const lines = [...text.matchAll(/^\d+ error (?!A complete log)(.*)$/gm)].map(([, line = '']) => line.trim())
  const said = lines.filter((line) => line !== '').slice(0, 3)
  return said.length === 0 ? 'it does not say why' : oneLine(said.join('; '))
}

/** Asked for once more: which one it was. */
function nameOf(dependencies: Readonly<Record<string, string>>, spec: string, path: string): string {
  const asked = packageName(spec)
  if (asked !== undefined && asked in dependencies) return asked
  const target = (saved: string) => (saved.startsWith('file:') ? resolve(path, saved.slice('file:'.length)) : saved)
  const found = Object.entries(dependencies).find(([, saved]) => target(saved) === target(spec))
  if (found === undefined) throw new NpmFailed(`npm does not say which package ${oneLine(spec)} is`)
  return found[0]
}

export function readDependencies(path: string): Readonly<Record<string, string>> {
  const file = join(path, 'package.json')
  if (!existsSync(file)) return {}
  return (JSON.parse(readFileSync(file, 'utf8')) as { dependencies?: Record<string, string> }).dependencies ?? {}
}

/** What npm has checked the package against: a digest, or where a repository was. */
export function readIntegrity(path: string, name: string): string {
  const file = join(path, 'package-lock.json')
  if (!existsSync(file)) return ''
  const { packages = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
    packages?: Record<string, { integrity?: string; resolved?: string }>
  }
  const { integrity, resolved = '' } = packages[`node_modules/${name}`] ?? {}
  return integrity ?? (/#[0-9a-f]{40,64}$/.exec(resolved)?.[0] ?? '').slice(1)
}

/**
 * The user's words for npm: paths become absolute, because npm runs elsewhere.
 *
 * @throws {InvalidArgument} it would be an option for npm
 */
export function readSpec(typed: string): string {
  if (typed === '' || typed.startsWith('-') || /[\p{Cc}\s]/u.test(typed))
    throw new InvalidArgument(`'${oneLine(typed)}' is no package`, {
      hint: 'write NAME, NAME@VERSION, file:PATH, or an address of a tarball or a git repository',
    })
  const path =
    /^file:(?!\/\/)(.+)$/.exec(typed)?.[1] ?? (/^\.{0,2}\//.test(typed) || isArchive(typed) ? typed : undefined)
  if (path === undefined) return typed
  const target = isAbsolute(path) ? path : resolve(path)
  if (!existsSync(target)) throw new InvalidArgument(`there is no ${oneLine(target)}`)
  return `file:${target}`
}

const isArchive = (typed: string): boolean => /\.(?:tgz|tar\.gz|tar)$/.test(typed) && !/^[a-z+]+:/.test(typed)

/** Of `name`, `name@version` and the like; undefined for addresses and paths. */
export function packageName(spec: string): string | undefined {
  return /^((?:@[^/@:]+\/)?[^/@:]+)(?:@[^:/]*)?$/.exec(spec)?.[1]
}
