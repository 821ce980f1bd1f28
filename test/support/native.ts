/** Real plans for the real native program, in both of its builds, on a root file system made of busybox. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, before, type Context, describe } from 'mocha'
import type { ExitRecord } from '../../src/linux/exit-record.ts'
import type { ChildStep, CloneNamespace, LaunchPlan } from '../../src/linux/plan.ts'
import { type SuperviseOptions, type Supervisor, startSupervisor } from '../../src/linux/supervisor.ts'
import { nativeProgram, packageRoot } from '../../src/package-root.ts'
import { isAlive } from '../../src/util/process-identity.ts'
import { needsRoot } from './needs-root.ts'
import { keptDirectory, scratchDirectory } from './scratch.ts'

export type Native = NonNullable<SuperviseOptions['native']>

const sanitized = `${nativeProgram}-asan`
const reports: string[] = []

/** Runs the tests with the program as shipped, then with the build that watches for memory errors and undefined behaviour. */
export function describeNative(title: string, define: (native: () => Native) => void): void {
  describe(title, () => {
    before(function () {
      needsRoot(this)
    })
    define(() => ({ argv: [nativeProgram] }))
  })
  describe(`${title}, watched by sanitizers`, () => {
    let directory = ''
    before(async function () {
      needsRoot(this)
      needsSanitizers(this)
      directory = await keptDirectory('coracle-asan-')
      reports.push(directory)
    })
    afterEach(() => assertClean(directory))
    define(() => sanitizedNative(directory))
  })
}

export function sanitizedNative(directory: string): Native {
  const log = `log_path=${directory}/report`
  return { argv: [sanitized], env: { ASAN_OPTIONS: log, UBSAN_OPTIONS: `${log}:print_stacktrace=1` } }
}

/** Builds the watched program once. */
export function needsSanitizers(context: Context): void {
  if (reports.length > 0 && existsSync(sanitized)) return
  const { status, stderr } = spawnSync('sh', [join(packageRoot, 'scripts/build-native.sh')], {
    env: { ...process.env, SANITIZE: '1' },
    encoding: 'utf8',
  })
  if (status === 0) return
  if (!/cannot find.*(asan|ubsan)|unrecognized.*sanitize/.test(stderr)) throw new Error(stderr.slice(0, 500))
  console.log('skipped: this compiler has no sanitizers')
  context.skip()
}

export function assertClean(directory: string): void {
  for (const name of readdirSync(directory)) assert.fail(readFileSync(join(directory, name), 'utf8'))
}

let layer: Promise<string> | undefined

/** A layer with busybox and its names, made once. Nobody writes to it. */
export function busyboxLayer(): Promise<string> {
  layer ??= makeLayer()
  return layer
}

async function makeLayer(): Promise<string> {
  const root = await keptDirectory('coracle-root-')
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(join(root, name))
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  const { stdout } = spawnSync('/bin/busybox', ['--list'], { encoding: 'utf8' })
  for (const name of stdout.split('\n')) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name))
  }
  return root
}

export interface Scratch {
  readonly directory: string
  /** Where the plan's root is mounted. */
  readonly root: string
  /** What the container writes to its root. */
  readonly upper: string
  /** Steps that make the root. */
  readonly rootSteps: readonly ChildStep[]
}

export async function makeScratch(): Promise<Scratch> {
  const directory = await scratchDirectory('coracle-native-')
  const paths = ['root', 'upper', 'work', 'run', 'state'].map((name) => join(directory, name))
  for (const path of paths) mkdirSync(path)
  const [root = '', upper = '', work = ''] = paths
  const lower = [await busyboxLayer()]
  return {
    directory,
    root,
    upper,
    rootSteps: [
      { do: 'propagation', path: '/', value: 'rprivate' },
      { do: 'root-overlay', at: root, lower, upper, work, options: [] },
    ],
  }
}

export const PATH = 'PATH=/bin'
const ALL: readonly CloneNamespace[] = ['pid', 'mount', 'network', 'ipc', 'uts']

export function fileSystem(type: string, target: string, data = ''): ChildStep {
  return { do: 'mount', type, source: type, target, flags: [], data, create: 'directory', optional: false }
}

export type Bind = Extract<ChildStep, { do: 'bind' }>

export function bind(source: string, target: string, more: Partial<Bind> = {}): Bind {
  const plain = { recursive: false, flags: [], recursiveFlags: false, create: 'directory', optional: false } as const
  return { do: 'bind', source, target, ...plain, ...more }
}

export function shell(script: string): ChildStep {
  return { do: 'exec', file: 'sh', argv: ['sh', '-c', script], env: [PATH] }
}

function device(name: string, major: number, minor: number): ChildStep {
  return { do: 'mknod', target: `/dev/${name}`, type: 'c', major, minor, mode: 0o666, uid: 0, gid: 0 }
}

export interface PlanParts {
  readonly namespaces?: readonly CloneNamespace[]
  readonly before?: LaunchPlan['before']
  readonly after?: LaunchPlan['after']
  /** While the root is being built. */
  readonly mounts?: readonly ChildStep[]
  /** After the process has moved into it. */
  readonly inside?: readonly ChildStep[]
  readonly terminal?: boolean
  readonly exec: ChildStep
}

/** Namespaces, an overlay of busybox, /proc and /dev, and what the test is about. */
export function planFor(scratch: Scratch, parts: PlanParts): LaunchPlan {
  return {
    namespaces: parts.namespaces ?? ALL,
    before: parts.before ?? [],
    after: parts.after ?? [],
    child: [
      ...scratch.rootSteps,
      fileSystem('proc', '/proc'),
      fileSystem('tmpfs', '/dev', 'mode=755'),
      fileSystem('devpts', '/dev/pts', 'newinstance,ptmxmode=0666,mode=620'),
      device('null', 1, 3),
      device('zero', 1, 5),
      device('tty', 5, 0),
      ...(parts.mounts ?? []),
      { do: 'move-root', at: scratch.root },
      { do: 'session', terminal: parts.terminal ?? false },
      { do: 'cwd', path: '/', create: false, uid: 0, gid: 0 },
      ...(parts.inside ?? []),
      parts.exec,
    ],
  }
}

export function optionsFor(scratch: Scratch, plan: LaunchPlan, more: Partial<SuperviseOptions> = {}): SuperviseOptions {
  const { directory } = scratch
  return {
    plan,
    runDirectory: join(directory, 'run'),
    stateDirectory: join(directory, 'state'),
    openStdin: false,
    stdinOnce: false,
    ...more,
  }
}

const started: Supervisor[] = []

/** Starts a container that ends with the test at the latest. */
export async function startContainer(options: SuperviseOptions): Promise<Supervisor> {
  const supervisor = await startSupervisor(options)
  started.push(supervisor)
  return supervisor
}

afterEach(async () => {
  for (const { container, supervisor, stdio } of started.splice(0)) {
    stdio.destroy()
    if (isAlive(container)) process.kill(container.pid, 'SIGKILL')
    await eventually('everything of the test ends', () => !isAlive(container) && !isAlive(supervisor))
  }
})

export interface Run {
  readonly exit: ExitRecord
  readonly stdout: string
  readonly stderr: string
  readonly warnings: readonly string[]
}

/** Runs a plan to its end. */
export async function runPlan(options: SuperviseOptions): Promise<Run> {
  const supervisor = await startContainer(options)
  const { stdout, stderr } = await readStreams(supervisor)
  const exit = await supervisor.wait()
  return { exit, stdout: stdout.toString(), stderr: stderr.toString(), warnings: supervisor.warnings }
}

/** What the container wrote to each stream until its end. */
export async function readStreams({ stdio }: Pick<Supervisor, 'stdio'>): Promise<{ stdout: Buffer; stderr: Buffer }> {
  return unframe(await readAll(stdio))
}

export async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** docker's stream framing. */
export function unframe(bytes: Buffer): { stdout: Buffer; stderr: Buffer } {
  const parts: [Buffer[], Buffer[]] = [[], []]
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4)
    parts[bytes[at] === 1 ? 0 : 1].push(bytes.subarray(at + 8, at + 8 + size))
    at += 8 + size
  }
  return { stdout: Buffer.concat(parts[0]), stderr: Buffer.concat(parts[1]) }
}

/** @throws when `check` has not become true after ten seconds */
export async function eventually(what: string, check: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !check(); await sleep(10)) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`)
  }
}
