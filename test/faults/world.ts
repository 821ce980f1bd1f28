/** A small machine to break: its own data root on a small file system, its own run directory, the real command line. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { containerGroups } from '../../src/linux/cgroups/groups.ts'
import { packageRoot } from '../../src/package-root.ts'
import { isAlive, readProcessIdentity } from '../../src/util/process-identity.ts'
import { busyboxEntries, tarOf } from '../support/images.ts'
import { type SmallRegistry, serveImage } from './registry.ts'

export const IMAGE = 'busybox:faults'
const SIZE = '96m'
const TIMEOUT_MS = 30_000
const CLI = process.env['FAULTS_CLI'] ?? join(packageRoot, 'bin', 'coracle')

export interface Outcome {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** It had to be killed, because it did not end by itself. */
  readonly hung: boolean
}

export interface Started {
  readonly child: ChildProcess
  readonly outcome: Promise<Outcome>
}

export interface World {
  readonly directory: string
  readonly root: string
  readonly run: string
  readonly registry: SmallRegistry
  /** A tar to import. */
  readonly tar: string
  /** @param through - a program, with its words, that runs the command */
  start(
    args: readonly string[],
    options?: { readonly env?: NodeJS.ProcessEnv; readonly through?: readonly string[] },
  ): Started
  cli(...args: string[]): Promise<Outcome>
  close(): Promise<void>
}

export async function openWorld(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-faults-'))
  const [root, run, tar] = ['root', 'run', 'busybox.tar'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(root)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'coracle-faults', root])
  mkdirSync(join(directory, 'docker'))
  writeFileSync(tar, tarOf(busyboxEntries()))
  const env = { ...process.env, CORACLE_ROOT: root, CORACLE_RUN: run, DOCKER_CONFIG: join(directory, 'docker') }
  const start: World['start'] = (args, { env: more = {}, through = [] } = {}) => {
    const [program = CLI, ...words] = [...through, CLI, ...args]
    const child = spawn(program, words, { cwd: directory, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] })
    return { child, outcome: outcomeOf(child) }
  }
  const cli: World['cli'] = async (...args) => await start(args).outcome
  const registry = await serveImage()
  const { status, stderr } = await cli('import', '--change', 'CMD ["sh"]', tar, IMAGE)
  if (status !== 0) throw new Error(stderr)
  return {
    directory,
    root,
    run,
    registry,
    tar,
    start,
    cli,
    close: async () => {
      await registry.close()
      await killEverything({ run, root })
      execFileSync('umount', ['-l', root])
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    child.kill('SIGKILL')
  }, TIMEOUT_MS)
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const texts = Promise.all([child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream))))
  const [status, signal] = await ended
  clearTimeout(timer)
  // Nobody may keep the output of a command open after its end; where somebody does, that is the fault to find.
  const closed = await Promise.race([texts, sleep(5_000, undefined, { ref: false })])
  const [stdout = '', stderr = ''] = closed ?? []
  return { status, signal, stdout, stderr, hung: hung || closed === undefined }
}

export interface Process {
  readonly pid: number
  readonly line: string
}

/** Commands, hooks and restarters: they have our data root in their environment. */
export function commandsOf({ root }: Pick<World, 'root'>): Process[] {
  return processes((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`CORACLE_ROOT=${root}`))
}

/** They have our run directory on their command line. */
export function supervisorsOf({ run }: Pick<World, 'run'>): Process[] {
  return processes((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`\0supervise\0${run}`))
}

function processes(isOurs: (pid: number) => boolean): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .flatMap((pid) => {
      try {
        if (readProcessIdentity(pid) === undefined || !isOurs(pid)) return []
        return [{ pid, line: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim() }]
      } catch {
        return [] // ended meanwhile
      }
    })
}

/** Pids of containers' first processes, by their supervisors' word. */
export function firstProcesses({ run }: Pick<World, 'run'>): number[] {
  const directory = join(run, 'c')
  if (!existsSync(directory)) return []
  return readdirSync(directory).flatMap((name) => {
    try {
      const found = readFileSync(join(directory, name, 'pid'), 'utf8')
      const number = (key: string) => Number(new RegExp(`^${key}=(\\d+)$`, 'm').exec(found)?.[1])
      const identity = { pid: number('container'), startTime: number('containerStart') }
      return isAlive(identity) ? [identity.pid] : []
    } catch {
      return [] // not started yet, or ended
    }
  })
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** What a power cut does to processes. Again and again, because those that go may have begun others. */
export async function killEverything(world: Pick<World, 'root' | 'run'>): Promise<void> {
  for (let clean = 0; clean < 3; ) {
    const alive = [...commandsOf(world), ...supervisorsOf(world)].map(({ pid }) => pid).concat(firstProcesses(world))
    for (const pid of alive) kill(pid)
    thawAll(world)
    clean = alive.length === 0 ? clean + 1 : 0
    await sleep(10)
  }
}

/** In version 1 what is frozen does not even die. */
function thawAll({ root }: Pick<World, 'root'>): void {
  const directory = join(root, 'containers')
  for (const id of existsSync(directory) ? readdirSync(directory) : [])
    for (const { path } of containerGroups(`/coracle/${id}`)) {
      const state = join(path, 'freezer.state')
      if (existsSync(state)) writeFileSync(state, 'THAWED')
    }
}

/** Waits until no command is at work any more; restarters that wait for their time may stay. */
export async function settle(world: World): Promise<readonly Process[]> {
  for (const deadline = performance.now() + 15_000; ; await sleep(15)) {
    const busy = commandsOf(world).filter(({ line }) => !/coracle-native after /.test(line))
    if (busy.length === 0 || performance.now() > deadline) return busy
  }
}
