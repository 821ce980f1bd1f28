/** Runs a component: one of the world `wasi:cli/command` once, one that handles HTTP requests as a server. */
import { writeSync } from 'node:fs'
import { readComponentFacts } from '../component-facts.ts'
import { type Ending, trapName } from '../engine.ts'
import { ModuleUnsupported } from '../errors.ts'
import type { FoundModule } from '../find-module.ts'
import type { WasiJob } from '../job.ts'
import type { Clocks } from '../preview1/clocks.ts'
import { ModuleExit } from '../preview1/context.ts'
import { givenBy } from '../preview1/run-job.ts'
import { type HostOptions, hostInterfaces, type Interfaces } from './host.ts'
import { type Component, compileComponent, type Exports } from './instantiate.ts'
import type { PatientClocks } from './poll.ts'
import { readPrepared } from './prepare.ts'
import type { Sockets } from './sockets/open.ts'
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
  const clocks: PatientClocks | Clocks = suspends ? { ...given.clocks, suspends: true } : given.clocks
  const sockets = job.network === true ? (await import('./sockets/open.ts')).openSockets(clocks) : undefined
  const open: OpenInterfaces = await (suspends ? withHttp : withoutHttp)({ ...given, clocks }, sockets)
  try {
    if (isCommand) return await runCommand(await component.instantiate(open().interfaces))
    return await runServer(component, { open, clocks, ports: job.listens })
  } finally {
    await sockets?.close()
  }
}

/** What one instance may import, and how its sockets are closed when nobody needs it any more. */
type OpenInterfaces = () => { readonly interfaces: Interfaces; close(): void }

async function withoutHttp(given: HostOptions, sockets: Sockets | undefined): Promise<OpenInterfaces> {
  return () => {
    const board = sockets?.openBoard()
    return { interfaces: hostInterfaces({ ...given, board }), close: () => sockets?.closeBoard(board) }
  }
}

async function withHttp(given: HostOptions, sockets: Sockets | undefined): Promise<OpenInterfaces> {
  const { httpInterfaces } = await import('./http/interfaces.ts')
  const open = await withoutHttp(given, sockets)
  return () => {
    const { interfaces, close } = open()
    return { interfaces: { ...interfaces, ...httpInterfaces(given.clocks) }, close }
  }
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
  readonly open: OpenInterfaces
  readonly clocks: Clocks
  readonly ports: readonly number[] | undefined
}

async function runServer(component: Component, { open, clocks, ports = [] }: ServerOptions): Promise<Ending> {
  const { serve } = await import('./http/serve.ts')
  await serve({
    clocks,
    ports: ports.length === 0 ? [HTTP_PORT] : ports,
    instantiate: async () => {
      const { interfaces, close } = open()
      return { exports: await component.instantiate(interfaces), close }
    },
    onTrap: (error) => {
      const ending = endingOf(error)
      if ('trap' in ending) writeSync(2, `coracle: a request trapped: ${ending.trap}\n`)
    },
  })
  return { status: 0 }
}
