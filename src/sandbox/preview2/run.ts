/** Runs a component of the world `wasi:cli/command`: `run` is called once. */
import { type Ending, trapName } from '../engine.ts'
import { ModuleUnsupported } from '../errors.ts'
import type { FoundModule } from '../find-module.ts'
import type { WasiJob } from '../job.ts'
import { ModuleExit } from '../preview1/context.ts'
import { givenBy } from '../preview1/run-job.ts'
import { Failure } from './failure.ts'
import { hostInterfaces } from './host.ts'
import { compileComponent, type Exports } from './instantiate.ts'
import { transpile } from './transpile.ts'

/** @throws {ModuleInvalid} it is damaged @throws {ModuleUnsupported} it wants what is not here */
export async function runComponent(found: FoundModule, job: WasiJob): Promise<Ending> {
  const component = await compileComponent(await transpile(found, { suspends: false }))
  const exports = await component.instantiate(hostInterfaces({ ...givenBy(job), cwd: job.cwd }))
  const run = entryOf(exports)
  try {
    await run()
    return { status: 0 }
  } catch (error) {
    return endingOf(error)
  }
}

/** `run` answers with nothing, or with an error that has no words. */
function endingOf(error: unknown): Ending {
  if (error instanceof ModuleExit) return { status: error.status & 0xff }
  if (error instanceof Error && 'payload' in error && !(error instanceof Failure)) return { status: 1 }
  return { trap: trapName(error).replace(/^wasm trap: /, '') }
}

function entryOf(exports: Exports): () => unknown {
  const run = exports['run']?.['run']
  if (run === undefined) throw new ModuleUnsupported('the component exports neither wasi:cli/run nor an HTTP handler')
  return run
}
