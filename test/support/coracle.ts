/** The real CLI as a user calls it, on a data root of its own that goes away with everything it holds. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'
import { openDatabase } from '../../src/state/database.ts'
import { readEvents } from '../../src/state/events.ts'
import { removeAll } from '../../src/util/remove-all.ts'
import { busyboxEntries, tarOf } from './images.ts'

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Coracle {
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
  /** Runs a command to its end. */
  run(
    args: readonly string[],
    options?: { readonly input?: string | Buffer; readonly env?: NodeJS.ProcessEnv },
  ): Outcome
  /** Standard output of a command that must succeed, without the last line break. */
  output(...args: string[]): string
  /** @param more - variables besides `env` */
  start(args: readonly string[], more?: NodeJS.ProcessEnv): ChildProcess
  /** What containers have left on this host: directories, mounts, control groups, supervisors. Empty when all is well. */
  leftovers(ignored?: (line: string) => boolean): string[]
  /** Removes the containers, and what their networks would leave for a moment. */
  clear(): void
  /** Clears, and removes the directory. */
  close(): void
}

export const IMAGE = 'busybox:test'

const CLI = join(packageRoot, 'bin', 'coracle')

export interface User {
  readonly uid: number
  readonly gid: number
}

/**
 * Opens a CLI with the `busybox:test` image in its store; as another user when root says so.
 *
 * @param entrance - words before the CLI's, which bring it to another place and make it that user's
 */
export function openCoracle(user?: User, entrance: readonly string[] = []): Coracle {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-e2e-'))
  if (user !== undefined) chownSync(directory, user.uid, user.gid)
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...(user !== undefined && { HOME: directory, XDG_RUNTIME_DIR: join(directory, 'xdg') }),
    CORACLE_ROOT: join(directory, 'root'),
    CORACLE_RUN: join(directory, 'run'),
    DOCKER_CONFIG: join(directory, 'docker'),
  }
  const [program = CLI, ...first] = [...entrance, CLI]
  const own = entrance.length === 0 ? user : undefined
  const run: Coracle['run'] = (args, options = {}) => {
    const { status, stdout, stderr, error } = spawnSync(program, [...first, ...args], {
      ...own,
      cwd: directory,
      env: { ...env, ...options.env },
      input: options.input ?? '',
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 64 << 20,
    })
    // The container need not read its input to the end.
    if (error !== undefined && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    return { status, stdout, stderr }
  }
  const output: Coracle['output'] = (...args) => {
    const { status, stdout, stderr } = run(args)
    if (status !== 0) throw new Error(`coracle ${args.join(' ')} ended with ${status}: ${stderr}`)
    return stdout.replace(/\n$/, '')
  }
  const clear = () => {
    const ids = run(['ps', '-a', '-q']).stdout.split('\n').filter(Boolean)
    if (ids.length > 0) run(['rm', '-f', ...ids])
    if (user === undefined) run(['network', 'prune', '-f'])
  }
  mkdirSync(join(directory, 'docker'))
  const tar = join(directory, 'busybox.tar')
  writeFileSync(tar, tarOf(busyboxEntries()))
  output('import', '--change', 'CMD ["sh"]', tar, IMAGE)
  return {
    directory,
    env,
    run,
    output,
    start: (args, more = {}) =>
      spawn(program, [...first, ...args], {
        ...own,
        cwd: directory,
        env: { ...env, ...more },
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    leftovers: (ignored = () => false) => lasting(() => leftovers(directory).filter((line) => !ignored(line))),
    clear,
    close: () => {
      clear()
      removeAll(directory) // an exit hook may still be removing parts of it
    },
  }
}

/** What is still there when supervisors and exit hooks have had time to end. */
function lasting(look: () => string[]): string[] {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  let left = look()
  for (let attempt = 0; left.length > 0 && attempt < 100; attempt++) {
    Atomics.wait(pause, 0, 0, 50)
    left = look()
  }
  return left
}

function leftovers(directory: string): string[] {
  const entries = (path: string) => (existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [])
  return [
    ...entries(join(directory, 'root/containers')),
    ...entries(join(directory, 'run/c')),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(directory)),
    ...supervisors(directory),
  ]
}

/** Processes that hold anything of the directory open, or speak of it. */
function supervisors(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return line.includes(directory) ? [`process ${pid}: ${line}`] : []
      } catch {
        return [] // it has just ended
      }
    })
}

/** Runs a command to its end while this process goes on: for what it has to serve meanwhile. */
export function spawned(coracle: Coracle, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = coracle.start(args, env)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.stdin?.end()
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, stdout, stderr })))
}

/** Waits until `check` is true. @throws after 300 looks, however long each took */
export async function eventually(what: string, check: () => boolean): Promise<void> {
  for (let look = 0; !check(); look++) {
    if (look === 300) throw new Error(`in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

/** So many clients are attached to the container: whatever it prints from now on they get. */
export async function eventuallyAttached(coracle: Coracle, id: string, count: number): Promise<void> {
  const database = openDatabase(`${coracle.directory}/root/state.db`)
  try {
    const attached = () =>
      readEvents(database, 0, 10_000).filter(({ actor, action }) => actor === id && action === 'attach').length
    await eventually(`${count} are attached`, () => attached() === count)
  } finally {
    database.close()
  }
}
