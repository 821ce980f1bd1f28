/** Runs a module that has threads (WASI threads: a shared memory that it imports, `wasi.thread-spawn`, `wasi_thread_start`). */
import { compileModule, type Ending } from '../../engine.ts'
import { ModuleInvalid, ModuleUnsupported } from '../../errors.ts'
import type { FoundModule } from '../../find-module.ts'
import { type ImportedMemory, readModuleFacts } from '../../module-kind.ts'
import { hostClocks } from '../clocks.ts'
import type { Context } from '../context.ts'
import { preview1Functions } from '../functions.ts'
import { openGiven } from '../given.ts'
import { openMemory } from '../memory.ts'
import { WouldWait } from '../patience.ts'
import { systemRandom } from '../random.ts'
import type { Preview1Options } from '../run.ts'
import { runThreads } from './owner.ts'
import { NOT_YET } from './protocol.ts'

/** @throws {ModuleInvalid} it does not compile @throws {ModuleUnsupported} it wants what this engine does not give */
export async function runOnThreads(found: FoundModule, options: Preview1Options): Promise<Ending> {
  const module = await compileModule(found)
  const { memory: imported } = readModuleFacts(found.bytes)
  if (imported?.maxPages === undefined || !imported.shared)
    throw new ModuleInvalid(found.name, 'it starts threads, but imports no shared memory for them')
  const memory = makeMemory(imported)
  const { descriptors, close } = await openGiven({ ...options, waits: false })
  let since = 0n
  const context: Context = {
    memory: openMemory(() => memory.buffer),
    descriptors,
    clocks: hostClocks(),
    random: systemRandom,
    args: options.args,
    env: options.env,
    sinceNs: () => since,
  }
  try {
    return await runThreads({
      module,
      memory,
      memoryName: [imported.module, imported.name],
      args: options.args,
      env: options.env,
      entry: found.entry,
      functions: preview1Functions(context),
      perform: (call, sinceNs) => {
        since = sinceNs
        try {
          return call()
        } catch (error) {
          if (error instanceof WouldWait) return NOT_YET
          throw error
        }
      },
    })
  } finally {
    await close()
  }
}

/** A module names the most that it will ever want; what it gets at most is V8's own limit, which --memory sets. */
function makeMemory({ minPages, maxPages = 0 }: ImportedMemory): WebAssembly.Memory {
  const limit = Number(process.execArgv.map((flag) => PAGES_FLAG.exec(flag)?.[1]).find(Boolean) ?? maxPages)
  try {
    return new WebAssembly.Memory({ initial: minPages, maximum: Math.min(maxPages, limit), shared: true })
  } catch (error) {
    throw new ModuleUnsupported('the module asks for more memory than --memory allows', 'allow more', { cause: error })
  }
}

const PAGES_FLAG = /^--wasm-max-mem-pages=(\d+)$/
