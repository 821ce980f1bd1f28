/**
 * `node scripts/wasi-conformance.ts SUITE [directory|layers|container …]`: runs the modules for preview 1 of a built
 * WebAssembly/wasi-testsuite (its branch prod/testsuite-base holds them built) on the engine `preview1`: with a directory of
 * the host as `/`, with layers and one that takes the changes, and as a container by the CLI. Each module is its own judge.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { packageRoot } from '../src/package-root.ts'
import type { WasiJob } from '../src/sandbox/job.ts'

interface Case {
  readonly path: string
  readonly name: string
  readonly args: readonly string[]
  readonly env: readonly string[]
  /** What `/` holds. */
  readonly root: string | undefined
  readonly status: number
  readonly stdout: string | undefined
}

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const TIMEOUT_MS = 30_000
const places = { directory: inDirectory, layers: inLayers, container: inContainer }

const [suite = '', ...named] = process.argv.slice(2)
const cases = globSync('**/wasm32-wasip1/*.wasm', { cwd: suite })
  .toSorted()
  .map((path) => readCase(join(suite, path)))
if (cases.length === 0) throw new Error(`no modules in ${suite}/**/wasm32-wasip1`)
const scratch = mkdtempSync(join(tmpdir(), 'coracle-conformance-'))
try {
  for (const [place, run] of Object.entries(places)) if (named.length === 0 || named.includes(place)) tell(place, run)
} finally {
  coracle(['network', 'prune', '-f'])
  rmSync(scratch, { recursive: true, force: true })
}

function tell(place: string, run: (one: Case) => Outcome): void {
  const failures = cases.flatMap((one) => {
    const ended = run(one)
    const passed = ended.status === one.status && (one.stdout ?? ended.stdout) === ended.stdout
    console.log(`${passed ? 'passed' : 'FAILED'}  ${place}  ${one.name}`)
    return passed ? [] : { one, ended }
  })
  for (const { one, ended } of failures) console.log(`\n${place} ${one.name}: ${JSON.stringify(ended, null, 2)}`)
  console.log(`${place}: ${cases.length - failures.length} passed, ${failures.length} failed`)
  if (failures.length > 0) process.exitCode = 1
}

function readCase(path: string): Case {
  const specification = path.replace(/\.wasm$/, '.json')
  const { args, env, root, exit_code, stdout } = existsSync(specification)
    ? (JSON.parse(readFileSync(specification, 'utf8')) as Specification)
    : {}
  return {
    path,
    name: relative(suite, path),
    args: args ?? [],
    env: Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`),
    root: root === undefined || root === null ? undefined : join(dirname(path), root),
    status: exit_code ?? 0,
    stdout,
  }
}

interface Specification {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly root?: string | null
  readonly exit_code?: number
  readonly stdout?: string
}

function inDirectory(one: Case): Outcome {
  const volumes = one.root === undefined ? [] : [{ source: copyOf(one.root), target: '/', readOnly: false }]
  return onRunner(one, { layers: [], volumes })
}

function inLayers(one: Case): Outcome {
  if (one.root === undefined) return onRunner(one, { layers: [] })
  const upper = mkdtempSync(join(scratch, 'upper-'))
  return onRunner(one, { layers: [one.root], upper })
}

function onRunner(one: Case, files: Pick<WasiJob, 'layers' | 'volumes' | 'upper'>): Outcome {
  const job: WasiJob = {
    engine: 'preview1',
    module: one.path,
    args: [basename(one.path), ...one.args],
    env: one.env,
    cwd: '/',
    ...files,
  }
  const path = join(scratch, 'job.json')
  writeFileSync(path, JSON.stringify(job))
  return start(process.execPath, [join(packageRoot, 'dist/sandbox/runner.entry.js'), path])
}

/** The suite's empty directories are not in its repository. */
function copyOf(root: string): string {
  const copy = mkdtempSync(join(scratch, 'root-'))
  if (existsSync(root)) cpSync(root, copy, { recursive: true })
  return copy
}

/** One image for each module: its root as the suite has it, and the program. */
function inContainer(one: Case): Outcome {
  const root = one.root === undefined ? mkdtempSync(join(scratch, 'root-')) : copyOf(one.root)
  cpSync(one.path, join(root, 'suite.wasm'))
  const archive = `${root}.tar`
  mustRun('tar', ['-C', root, '-cf', archive, '.'])
  mustCoracle(['import', '--platform', 'wasi/wasm', archive, 'suite:1'])
  const env = one.env.flatMap((entry) => ['-e', entry])
  return coracle(['run', '--rm', '--wasi-engine', 'preview1', ...env, 'suite:1', '/suite.wasm', ...one.args])
}

function coracle(args: readonly string[]): Outcome {
  return start(join(packageRoot, 'bin/coracle'), args)
}

function mustCoracle(args: readonly string[]): void {
  mustRun(join(packageRoot, 'bin/coracle'), args)
}

function mustRun(program: string, args: readonly string[]): void {
  const { status, stderr } = start(program, args)
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}

function start(program: string, args: readonly string[]): Outcome {
  const run = join(scratch, 'run')
  mkdirSync(run, { recursive: true })
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input: '',
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    env: { ...process.env, CORACLE_ROOT: join(scratch, 'data'), CORACLE_RUN: run },
  })
  return { status, stdout, stderr: error === undefined ? stderr : `${stderr}${error.message}` }
}
