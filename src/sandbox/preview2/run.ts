/** Runs a component: one of the world `wasi:cli/command` once, one that handles HTTP requests as a server. */
import { writeSync } from 'node:fs'
import { readComponentFacts } from '../component-facts.ts'
import { type Ending, trapName } from '../engine.ts'
import { ModuleUnsupported } from '../errors.ts'
import type { FoundModule } from '../find-module.ts'
import type { WasiJob } from '../job.ts'
import { ModuleExit } from '../preview1/context.ts'
import { givenBy } from '../preview1/run-job.ts'
import { hostInterfaces } from './host.ts'
import { type Component, compileComponent, type Exports } from './instantiate.ts'
import type { PatientClocks } from './poll.ts'
import { readPrepared } from './prepare.ts'
import { transpile } from './transpile.ts'
import { worldOf } from './world.ts'

/** Where a server listens if nothing else is published: the port of wasmtime's, and of containerd's shim. */
const HTTP_PORT = 8080

/** @throws {ModuleInvalid} it is damaged @throws {ModuleUnsupported} it wants what is not here */
export async function runComponent(found: FoundModule, job: WasiJob): Promise<Ending> {
  const { isCommand, isServer, suspends } = worldOf(readComponentFacts(found.bytes))
  if (!isCommand && !isServer)
    throw new ModuleUnsupported('the component exports neither wasi:cli/run nor an HTTP handler')
  const prepared = job.prepared === undefined ? undefined : readPrepared(job.prepared, found.bytes)
  const component = await compileComponent(prepared ?? (await transpile(found, { suspends })))
  const given = { ...givenBy(job), cwd: job.cwd }
  if (!suspends) return runCommand(await component.instantiate(hostInterfaces(given)))
  const { httpInterfaces } = await import('./http/interfaces.ts')
  const clocks: PatientClocks = { ...given.clocks, suspends: true, virtual: job.clock !== undefined }
  const interfaces = () => ({ ...hostInterfaces({ ...given, clocks }), ...httpInterfaces(clocks) })
  if (isCommand) return runCommand(await component.instantiate(interfaces()))
  return runServer(component, { interfaces, clocks, ports: job.listens })
}

async function runCommand(exports: Exports): Promise<Ending> {
  try {
    await exports['run']?.['run']?.()
    return { status: 0 }
  } catch (error) {
    return endingOf(error)
  }
}

/** `run` answers with nothing, or with an error that has no words. */
function endingOf(error: unknown): Ending {
  if (error instanceof ModuleExit) return { status: error.status & 0xff }
  if (error instanceof Error && 'payload' in error) return { status: 1 }
  return { trap: trapName(error).replace(/^wasm trap: /, '') }
}

interface ServerOptions {
  readonly interfaces: () => ReturnType<typeof hostInterfaces>
  readonly clocks: PatientClocks
  readonly ports: readonly number[] | undefined
}

async function runServer(component: Component, { interfaces, clocks, ports = [] }: ServerOptions): Promise<Ending> {
  const { serve } = await import('./http/serve.ts')
  await serve({
    clocks,
    ports: ports.length === 0 ? [HTTP_PORT] : ports,
    instantiate: () => component.instantiate(interfaces()),
    onTrap: (error) => {
      const ending = endingOf(error)
      if ('trap' in ending) writeSync(2, `coracle: a request trapped: ${ending.trap}\n`)
    },
  })
  return { status: 0 }
}
