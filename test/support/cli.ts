/** The built command line on a data root of its own; with a terminal where a test needs one. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { packageRoot } from '../../src/package-root.ts'
import { scratchDirectory } from './scratch.ts'

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly input?: string | Buffer
  readonly env?: NodeJS.ProcessEnv
}

export interface Cli {
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
  run(args: readonly string[], options?: CliOptions): Outcome
  /** The same at a terminal: everything it shows comes as `stdout`, with line breaks as `\n`; `input` is typed. */
  atTerminal(args: readonly string[], options?: CliOptions): Outcome
  /** Standard output of a command that must succeed, without the last line break. */
  output(...args: string[]): string
  /** For tests that serve the command meanwhile, as the test registry does. */
  readonly served: {
    run(...args: string[]): Promise<Outcome>
    output(...args: string[]): Promise<string>
    /** Types a line of `input` at each question. */
    atTerminal(options: Pick<CliOptions, 'input'>, ...args: string[]): Promise<Outcome>
  }
}

export const CLI = join(packageRoot, 'bin/coracle')
const TIMEOUT_MS = 60_000
/** util-linux's `script` would echo and wait; this types a line at each question. */
const AT_TERMINAL = `
import os, pty, select, sys
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
lines = sys.stdin.buffer.read().splitlines(keepends=True)
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
    if lines and data.endswith(b' '): # a question
        os.write(master, lines.pop(0))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

/** Everything it keeps goes away with the current test. */
export async function openCli(): Promise<Cli> {
  const directory = await scratchDirectory('coracle-cli-')
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: directory,
    CORACLE_ROOT: join(directory, 'root'),
    CORACLE_RUN: join(directory, 'run'),
    DOCKER_CONFIG: join(directory, 'docker'),
  }
  delete env['CORACLE_DEBUG']
  const spawnHere = (program: string, args: readonly string[], { input = '', env: more }: CliOptions = {}): Outcome => {
    const options = {
      env: { ...env, ...more },
      input,
      timeout: TIMEOUT_MS,
      maxBuffer: 64 << 20,
      encoding: 'utf8',
    } as const
    const { status, stdout, stderr, error } = spawnSync(program, args, options)
    if (error !== undefined) throw error
    return { status, stdout, stderr }
  }
  const run: Cli['run'] = (args, options) => spawnHere(CLI, args, options)
  return {
    directory,
    env,
    run,
    atTerminal: (args, options) => {
      const outcome = spawnHere('python3', ['-c', AT_TERMINAL, CLI, ...args], options)
      return { ...outcome, stdout: outcome.stdout.replaceAll('\r\n', '\n') }
    },
    output: (...args) => outputOf(run(args), args),
    served: {
      run: (...args) => spawnServed(CLI, args, env),
      output: async (...args) => outputOf(await spawnServed(CLI, args, env), args),
      atTerminal: ({ input }, ...args) => spawnServed('python3', ['-c', AT_TERMINAL, CLI, ...args], env, input),
    },
  }
}

function outputOf({ status, stdout, stderr }: Outcome, args: readonly string[]): string {
  if (status !== 0) throw new Error(`coracle ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout.replace(/\n$/, '')
}

async function spawnServed(
  program: string,
  args: readonly string[],
  ...[env, input]: [NodeJS.ProcessEnv, (string | Buffer)?]
): Promise<Outcome> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS })
  child.stdin.end(input)
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status, stdout: stdout.replaceAll('\r\n', '\n'), stderr }
}
