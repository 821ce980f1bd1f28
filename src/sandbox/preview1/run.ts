/** Runs a module on our own wasi_snapshot_preview1: it sees its streams, and of files what it is given, live and on disk. */
import { compileModule, type Ending, entryOf, instantiateModule, noMemory, trapName, usesPreview1 } from '../engine.ts'
import type { FoundModule } from '../find-module.ts'
import { type Clocks, hostClocks } from './clocks.ts'
import { type Context, ModuleExit } from './context.ts'
import { preview1Functions } from './functions.ts'
import { type GivenOptions, openGiven } from './given.ts'
import { openMemory } from './memory.ts'
import { type Random, systemRandom } from './random.ts'

export interface Preview1Options extends GivenOptions {
  readonly args: readonly string[]
  /** `NAME=value`. */
  readonly env: readonly string[]
  readonly clocks?: Clocks
  readonly random?: Random
}

/** @throws {ModuleInvalid} it does not compile @throws {ModuleUnsupported} it wants what this engine does not give */
export async function runOnPreview1(found: FoundModule, options: Preview1Options): Promise<Ending> {
  const module = await compileModule(found)
  const { descriptors, close } = await openGiven(options)
  try {
    let memory: WebAssembly.Memory | undefined
    const context: Context = {
      memory: openMemory(() => (memory ?? noMemory()).buffer),
      descriptors,
      clocks: options.clocks ?? hostClocks(),
      random: options.random ?? systemRandom,
      args: options.args,
      env: options.env,
    }
    const imports = usesPreview1(module) ? { wasi_snapshot_preview1: preview1Functions(context) } : {}
    const instance = await instantiateModule(module, imports)
    memory = instance.exports['memory'] as WebAssembly.Memory | undefined
    const entry = entryOf(instance, found)
    const initialize = instance.exports['_initialize'] // of a library: before anything else in it is called
    return call(typeof initialize === 'function' && initialize !== entry ? () => [initialize(), entry()] : entry)
  } finally {
    await close()
  }
}

function call(entry: () => unknown): Ending {
  try {
    entry()
    return { status: 0 }
  } catch (error) {
    if (error instanceof ModuleExit) return { status: error.status & 0xff }
    return { trap: trapName(error) }
  }
}
