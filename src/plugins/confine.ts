/** How the process of a plugin is started, so that it has nothing but what was granted. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { nativeProgram, packageRoot } from '../package-root.ts'
import { grantedEnvironment, grantedPaths, nodePermissionFlags } from './permissions.ts'
import type { Permission } from './plugin.ts'

export type Language = 'ts' | 'js' | 'wasm'

export interface Confinement {
  readonly language: Language
  readonly granted: readonly Permission[]
  /** Standard streams: the user's, or none while a file only says what it is. */
  readonly streams: 'inherit' | 'ignore'
}

const HEAP_MIB = 512
const WASM_PAGES = 16_384 // 1 GiB
/** `nobody`: owns nothing, may signal nobody. */
const NOBODY = 65_534

/**
 * Node's permission model denies files, connections, programs, threads and native code; the script that is started narrows
 * the rest (`narrow-process.ts`). The native program puts the kernel's walls around it (`native/enclose.c`), which hold whatever
 * Node overlooks; there root gives up being root as well, where nothing was granted that would need it.
 *
 * @returns the process; descriptor 3 is its line to us
 */
export function startConfined({ language, granted, streams }: Confinement): ChildProcess {
  const entry = entryPath(language === 'wasm' ? 'module' : 'script')
  const readable = ownCode(language)
  const flags = [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...nodePermissionFlags(granted, process.cwd()),
    '--no-addons',
    '--no-warnings',
    `--max-old-space-size=${HEAP_MIB}`,
    `--wasm-max-mem-pages=${WASM_PAGES}`,
  ]
  const files = [process.execPath, entry, ...readable]
  const lowered = needsNoFiles(granted) && process.geteuid?.() === 0 && openToAll(files)
  const walls = existsSync(nativeProgram) ? [nativeProgram, ...enclosure(files, granted, lowered)] : []
  const [program = process.execPath, ...words] = [...walls, process.execPath, ...flags, entry]
  return spawn(program, words, {
    env: grantedEnvironment(granted, process.env),
    stdio: [streams, streams, streams, 'pipe'],
    ...(streams === 'ignore' && { cwd: '/' }),
    ...(lowered && walls.length === 0 && { uid: NOBODY, gid: NOBODY }),
  })
}

/** What Node itself opens, for libraries and to know its machine. */
const SYSTEM = [
  '/usr',
  '/lib',
  '/lib64',
  '/etc/ld.so.cache',
  '/etc/ssl',
  '/etc/localtime',
  '/proc/cpuinfo',
  '/proc/meminfo',
]
const RESOLVING = ['/etc/hosts', '/etc/resolv.conf', '/etc/nsswitch.conf', '/etc/services', '/etc/gai.conf']

/** Words for `coracle-native enclose`: the same walls once more, by the kernel. A program that may run others has no others. */
function enclosure(own: readonly string[], granted: readonly Permission[], nobody: boolean): string[] {
  const words = ['enclose', `${process.pid}`, ...(nobody ? ['-u'] : [])]
  if (granted.includes('run')) return [...words, '-n', '-c', '--']
  const net = granted.includes('net')
  const files = grantedPaths(granted, process.cwd())
  return [
    ...words,
    ...(net ? ['-n'] : []),
    ...[...own, ...SYSTEM, ...(net ? RESOLVING : []), ...files.read].flatMap((path) => ['-r', path]),
    ...files.write.flatMap((path) => ['-w', nearestExisting(path)]),
    '--',
  ]
}

/** A file that is not there yet is made in a directory, which has to be open for that. Node's own rules stay exact. */
function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path))
}

function needsNoFiles(granted: readonly Permission[]): boolean {
  return !granted.some((each) => /^(?:read|write|run)\b/.test(each))
}

/** What Node reads before the plugin's first line: our script, and where its modules are looked for. */
function ownCode(language: Language): string[] {
  const own = [import.meta.filename.endsWith('.ts') ? join(packageRoot, 'src') : join(packageRoot, 'dist')]
  const descriptions = [join(packageRoot, 'package.json')]
  if (language !== 'wasm') return [...own, ...descriptions]
  const library = createRequire(import.meta.filename).resolve('@wasmer/wasi')
  const at = library.lastIndexOf(`${sep}node_modules${sep}`)
  return [
    ...own,
    ...descriptions,
    join(packageRoot, 'node_modules'),
    library.slice(0, at + `${sep}node_modules`.length),
  ]
}

/** Sources when sources run; a bundle moves this file, but never what is started by its path. */
function entryPath(name: 'script' | 'module'): string {
  return import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, `${name}.entry.ts`)
    : join(packageRoot, 'dist', 'plugins', `${name}.entry.js`)
}

/** Can anybody read these? An installation below a closed home directory cannot be used by `nobody`. */
function openToAll(paths: readonly string[]): boolean {
  const ways = new Set(paths)
  for (const path of ways) if (dirname(path) !== path) ways.add(dirname(path))
  return [...ways].every((path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat === undefined || (stat.mode & (stat.isDirectory() ? 0o001 : 0o004)) !== 0
  })
}
