/** What the first process of a WebAssembly container does; how it is started: runner.entry.ts. */
import { closeSync, readFileSync, readSync, writeSync } from 'node:fs'
import { CoracleError } from '../errors.ts'
import type { Ending } from './engine.ts'
import { ModuleInvalid, ModuleUnsupported } from './errors.ts'
import { type FoundModule, findModule } from './find-module.ts'
import { type ImageFiles, openImageFiles } from './image-files.ts'
import type { WasiJob } from './job.ts'
import { type ModuleKind, readModuleFacts } from './module-kind.ts'
import { runJobOnPreview1 } from './preview1/run-job.ts'
import { keepRefusals } from './refusals.ts'

const TRAP_STATUS = 134

/** Sets the exit status of this process. @param argv - JOB [GATE] */
export async function runRunner(argv: readonly string[]): Promise<void> {
  // When nothing is left to do: the kernel takes the heap apart faster than Node.
  process.once('beforeExit', () => process.exit())
  try {
    process.exitCode = await main(argv)
  } catch (error) {
    if (!(error instanceof CoracleError))
      say(`internal error: ${error instanceof Error ? error.message.slice(0, 500) : 'unknown'}`)
    else say(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`)
    process.exitCode = error instanceof CoracleError ? error.exitCode : 125
  }
}

async function main([path = '', gate]: readonly string[]): Promise<number> {
  if (gate !== undefined) waitAt(Number(gate))
  const job = JSON.parse(readFileSync(path, 'utf8')) as WasiJob
  const files = openImageFiles(job.root === undefined ? job.layers : [job.root])
  const found = findModule(job, files)
  keepRefusals(job.refused)
  const kind = refuseUnsupported(found)
  refuseOtherEngine(kind, job)
  const ending = await run(found, job, { kind, files })
  if ('status' in ending) return ending.status
  say(`the module trapped: ${ending.trap}`)
  return TRAP_STATUS
}

/** @throws nobody wants this runner */
function waitAt(gate: number): void {
  const opened = readSync(gate, Buffer.alloc(1)) === 1
  closeSync(gate)
  if (!opened) throw new Error('the gate was never opened')
}

interface Seen {
  readonly kind: ModuleKind
  readonly files: ImageFiles
}

/** The usual engine is in this file when it is a bundle's: each further one would take a millisecond. Others are loaded when they are asked for. */
async function run(found: FoundModule, job: WasiJob, { kind, files }: Seen): Promise<Ending> {
  if (kind === 'component') {
    const { runComponent } = await import('./preview2/run.ts')
    return runComponent(found, job)
  }
  if (job.engine === 'wasmer') {
    if (kind === 'threads')
      throw new ModuleUnsupported('engine wasmer runs no threads', 'choose the other one: --wasi-engine preview1')
    const { runOnWasmer } = await import('./wasmer-engine.ts')
    return runOnWasmer(found, { args: job.args, env: job.env, files: files.walk() })
  }
  return runJobOnPreview1(found, job, kind === 'threads')
}

function refuseUnsupported({ name, bytes, entry }: FoundModule): ModuleKind {
  const { kind } = readModuleFacts(bytes)
  if (kind === 'unknown') throw new ModuleInvalid(name, 'exec format error', 'it is no WebAssembly module')
  if (kind === 'text') throw new ModuleInvalid(name, 'it is WebAssembly text', 'compile it first: wat2wasm')
  if (kind === 'preview0')
    throw new ModuleUnsupported(
      'the module is built for WASI preview 0 (wasi_unstable)',
      'build it again for wasm32-wasip1',
    )
  if (kind === 'reactor' && entry === '_start')
    throw new ModuleInvalid(name, 'it is a library and exports no _start', 'name a function: path#function')
  return kind
}

/** Components and modules are different things: no engine runs both. */
function refuseOtherEngine(kind: ModuleKind, { engine }: WasiJob): void {
  if (engine === undefined || (engine === 'component') === (kind === 'component')) return
  const what = kind === 'component' ? 'a component' : 'a core module, no component'
  throw new ModuleUnsupported(`engine ${engine} does not run this: it is ${what}`, 'leave --wasi-engine out')
}

function say(line: string): void {
  writeSync(2, `coracle: ${line}\n`)
}
