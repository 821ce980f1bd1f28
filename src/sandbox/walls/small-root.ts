/**
 * All that the runner sees of files: a root of its own with Node and our code, at the paths that they have on the host, and what is the
 * container's own, at PLACES. Everything is read-only but the container's files. Nothing else of the host is there to be found.
 */
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ChildStep, MountFlag } from '../../linux/plan.ts'
import { packageRoot } from '../../package-root.ts'
import type { Bundle } from '../../plugins/contract.ts'
import { NETWORK_FILES } from './places.ts'

export interface SmallRoot {
  /** An empty directory, or one of an earlier small root. */
  readonly at: string
  readonly host: readonly ChildStep[]
  /** What the container has of its own. */
  readonly own: readonly Shown[]
}

/** Something of the host, and where it is seen. */
export interface Shown {
  readonly source: string
  readonly target: string
  readonly flags: readonly MountFlag[]
  /** With all that is mounted below it. */
  readonly recursive: boolean
}

/** From the host's root to the small one. The container's own mounts come before. */
export function smallRootSteps({ at, host, own }: SmallRoot): ChildStep[] {
  return [
    { do: 'root-bind', at, source: at },
    ...host,
    ...own.map(({ source, target, flags, recursive }) => ({
      ...show(source, flags, target),
      recursive,
      recursiveFlags: recursive,
    })),
    { do: 'remount', target: '/', set: ['ro', 'nosuid', 'nodev', 'noexec'], clear: [], recursive: false },
    { do: 'move-root', at },
  ]
}

/** What the host gives: Node (`program`), what it needs, and what of the kernel is to be seen. */
export function hostSteps(program: string): ChildStep[] {
  const readable = ['/etc/ld.so.cache'].filter((path) => existsSync(path))
  return [
    ...librarySteps(),
    ...[program, ...ownCode()].map((path) => show(path, RUNNABLE)),
    ...readable.map((path) => show(path, READABLE)),
    show('/dev/null', ['nosuid', 'noexec']),
    system('devpts', '/dev/pts', ['nosuid', 'noexec'], 'newinstance,ptmxmode=0666,mode=620'),
    // Of its own processes alone. There is no /proc/sys, whose files listen to uid 0 without any capability.
    system('proc', '/proc', ['ro', 'nosuid', 'nodev', 'noexec'], 'subset=pid,hidepid=invisible'),
  ]
}

type Bind = Extract<ChildStep, { do: 'bind' }>

const RUNNABLE: readonly MountFlag[] = ['ro', 'nosuid', 'nodev']
export const READABLE: readonly MountFlag[] = ['ro', 'nosuid', 'nodev', 'noexec']
export const WRITABLE: readonly MountFlag[] = ['nosuid', 'nodev', 'noexec']

function show(source: string, flags: readonly MountFlag[], target: string = source): Bind {
  return {
    do: 'bind',
    source,
    target,
    recursive: false,
    flags,
    recursiveFlags: false,
    create: 'directory',
    optional: false,
  }
}

function system(type: string, target: string, flags: readonly MountFlag[], data: string): ChildStep {
  return { do: 'mount', type, source: type, target, flags, data, create: 'directory', optional: false }
}

/** Sources when sources run. Of packages only the one that is not in the bundle, wherever it was installed. */
function ownCode(): string[] {
  const code = import.meta.filename.endsWith('.ts') ? 'src' : 'dist'
  const own = [code, 'package.json', 'oclif.manifest.json'].map((name) => join(packageRoot, name))
  const library = directoriesAbove(packageRoot)
    .map((directory) => join(directory, 'node_modules', '@wasmer', 'wasi'))
    .find((path) => existsSync(path))
  return library === undefined ? own : [...own, library]
}

function directoriesAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [path] : [path, ...directoriesAbove(parent)]
}

/** As the dynamic linker looks for itself and for libraries. Where Node was built otherwise, it is below the directories in use. */
const INTERPRETERS: Readonly<Record<string, string>> = {
  x64: '/lib64/ld-linux-x86-64.so.2',
  arm64: '/lib/ld-linux-aarch64.so.1',
}

/** The directories of the libraries that this very process, which is Node too, has loaded, and the links that lead there. */
function librarySteps(): ChildStep[] {
  const directories = new Set(loadedLibraries().map((path) => dirname(path)))
  const links = new Map<string, string>()
  const interpreter = INTERPRETERS[process.arch] ?? '/'
  const file = followLinks(interpreter, links)
  if (existsSync(file) && !directories.has(dirname(file))) directories.add(file)
  for (const path of ['/lib', '/lib64', '/usr/lib64']) followLinks(path, links)
  const seen = [...directories]
  return [
    // Outer directories first, and links last: what they lead to is there by then, and what is made is never made through one.
    ...seen.toSorted((a, b) => a.length - b.length).map((path) => show(path, RUNNABLE)),
    ...[...links]
      .filter(([path]) => !seen.some((directory) => path.startsWith(`${directory}/`)))
      .map(([target, to]): ChildStep => ({ do: 'symlink', target, to })),
  ]
}

/** By lines: one expression over the whole map takes ten milliseconds when it runs for the first time. */
function loadedLibraries(): string[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
    .filter((path) => path.startsWith('/') && /\.so(?:\.[\d.]+)?$/.test(path))
}

const MAX_LINKS = 40

/** Where a path leads in the end; all links on the way are noted with what is in them. */
function followLinks(path: string, links: Map<string, string>): string {
  let at = '/'
  const names = path.split('/').filter((name) => name !== '')
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = join(at, name)
    if (links.size > MAX_LINKS || !lstatSync(next, { throwIfNoEntry: false })?.isSymbolicLink()) {
      at = next
      continue
    }
    const to = readlinkSync(next)
    links.set(next, to)
    names.unshift(
      ...resolve(at, to)
        .split('/')
        .filter((part) => part !== ''),
    )
    at = '/'
  }
  return at
}

/** Names of hosts, as the engine wrote them for this container. */
export function networkFiles({ spec, directory }: Bundle): Shown[] {
  return (spec.mounts ?? []).flatMap(({ source = '', destination: target }) =>
    NETWORK_FILES.includes(target) && source === join(directory, target.slice('/etc/'.length)) && existsSync(source)
      ? [{ source, target, flags: READABLE, recursive: false }]
      : [],
  )
}
