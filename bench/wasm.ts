/**
 * Modules: file-heavy and compute-heavy ones on our runner beside node:wasi, how long a large one takes to start, and until a hello
 * has come and gone beside a bare Node. Files lie in memory (/dev/shm), so that no disk is measured; the runner has them as it does in a container,
 * in a mount namespace whose links the kernel does not follow. Start-up of both is in the numbers, which are processor time of user and kernel;
 * those of the hello are passing time. The last column is what node:wasi takes for what the runner takes 1 for: more than 1 is the goal.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RUNNER_FLAGS } from '../src/sandbox/backend.ts'
import type { WasiJob } from '../src/sandbox/job.ts'
import { hasPeer, measure, report, run, type Subject } from './harness.ts'
import { bigModule } from './wasm/big-module.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const ROOT = join(import.meta.dirname, '..')
const scratch = mkdtempSync('/dev/shm/coracle-bench-')

const ENGINES = ['node:wasi', 'runner']
const LINKLESS = 'mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,nosymfollow "$1"'
/** Each begins with what the one named here has left. */
const PHASES: Readonly<Record<string, string | undefined>> = {
  create: undefined,
  stat: 'create',
  read: 'create',
  readdir: 'create',
  rename: 'create',
  unlink: 'create',
  missing: undefined,
  big: undefined,
  small: undefined,
}

try {
  const [files, compute, hello] = ['files', 'compute', 'hello'].map(build) as [string, string, string]
  for (const [phase, before] of Object.entries(PHASES)) {
    const subjects = ENGINES.map((name) => fileSubject(name, files, { phase, before }))
    report(`files: ${phase} (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
  }
  for (const kind of ['sieve', 'matrix', 'hash', 'sort'])
    report(
      `compute: ${kind} (${ROUNDS} rounds)`,
      measure(
        ENGINES.map((name) => ({ name, work: () => start(name, compute, [kind]) })),
        ROUNDS,
      ),
    )
  for (const called of [50, 11_000]) {
    const path = join(scratch, 'big.wasm')
    writeFileSync(path, bigModule(called))
    const subjects = ENGINES.map((name) => ({ name, work: () => start(name, path, []) }))
    report(`start of 10 MB, ${called} functions called (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
  }
  report(`hello (${ROUNDS * 3} rounds)`, measure(helloSubjects(hello), ROUNDS * 3))
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function build(name: string): string {
  const output = join(scratch, `${name}.wasm`)
  const source = join(ROOT, `bench/wasm/${name}.c`)
  run('clang', ['--target=wasm32-wasi', '--sysroot=/usr', '-O2', source, '-o', output])
  return output
}

function fileSubject(
  name: string,
  module: string,
  { phase, before }: { phase: string; before: string | undefined },
): Subject {
  return {
    name,
    work: () => start(name, module, [phase, '/data']),
    reset: () => {
      rmSync(directoryOf(name), { recursive: true })
      if (before !== undefined) start(name, module, [before, '/data'])
    },
  }
}

function directoryOf(name: string): string {
  const directory = join(scratch, name === 'runner' ? 'ours' : 'theirs')
  mkdirSync(directory, { recursive: true })
  return directory
}

/** @returns milliseconds of processor time; making the namespace is not in it */
function start(name: string, module: string, args: readonly string[]): number {
  const directory = directoryOf(name)
  const command =
    name === 'runner'
      ? [...RUNNER_FLAGS, join(ROOT, 'dist/sandbox/runner.entry.js'), jobFile(module, directory, args)]
      : ['--no-addons', '--no-warnings', join(ROOT, 'bench/wasm/node-wasi.mjs'), module, directory, ...args]
  const words = ['bash', directory, process.execPath, ...command]
  const script = `${LINKLESS} && shift && TIMEFORMAT='%3U %3S' && time "$@"`
  const { status, stderr } = spawnSync('unshare', ['-m', 'bash', '-c', script, ...words], { encoding: 'utf8' })
  const spent = /([\d.]+) ([\d.]+)\n$/.exec(stderr)
  if (status !== 0 || spent === null) throw new Error(`${words.join(' ')} exited with ${status}: ${stderr}`)
  return (Number(spent[1]) + Number(spent[2])) * 1000
}

function jobFile(module: string, directory: string, args: readonly string[]): string {
  const job: WasiJob = {
    engine: 'preview1',
    layers: [],
    module,
    args: [module, ...args],
    env: [],
    cwd: '/',
    volumes: [{ source: directory, target: '/data', readOnly: false }],
  }
  const path = join(scratch, 'job.json')
  writeFileSync(path, JSON.stringify(job))
  return path
}

function helloSubjects(hello: string): Subject[] {
  const env = { ...process.env, CORACLE_ROOT: join(scratch, 'root'), CORACLE_RUN: join(scratch, 'run') }
  const empty = join(scratch, 'empty.js')
  writeFileSync(empty, '')
  const others = ['wasmtime', 'wasmedge', 'wasmer'].filter(hasPeer)
  return [
    { name: 'coracle run --rm', work: () => void run(join(ROOT, 'bin/coracle'), ['run', '--rm', hello], env) },
    { name: 'bare Node', work: () => void run(process.execPath, [empty]) },
    { name: 'node:wasi', work: () => void start('node:wasi', hello, []) },
    { name: 'runner alone', work: () => void start('runner', hello, []) },
    ...others.map((name) => ({ name, work: () => void run(name, [hello]) })),
  ]
}
