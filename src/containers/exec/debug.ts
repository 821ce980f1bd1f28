/** `debug`: a shell with tools of its own beside a container, which need not have any, and does not change by it. */
import { mkdirSync } from 'node:fs'
import { CoracleError } from '../../errors.ts'
import { randomHex } from '../../util/random.ts'
import { ContainerPaused, NoTerminal } from '../errors.ts'
import { findContainer } from '../find.ts'
import { isActive } from '../lifecycle.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { DebugRequest, ExecRequest, RunIO } from '../types.ts'
import { DebugImpossible } from './errors.ts'
import { followExec } from './exec.ts'
import { planDebug } from './plan-debug.ts'
import { makeExecDirectory, removeExecFiles, stoppedRunDirectory } from './run-directory.ts'
import { explainFailure, type StartedExec, superviseExec } from './start.ts'
import { sweepStopped } from './sweep.ts'
import { obtainToolbox } from './toolbox.ts'

/** See `ContainerEngine.debug`. */
export async function debugContainer(
  room: ContainerRoom,
  name: string,
  { request, io }: { readonly request: DebugRequest; readonly io: RunIO },
): Promise<number> {
  if (request.tty && request.interactive && io.stdin.isTTY !== true) throw new NoTerminal()
  refuse(await findContainer(room, name))
  const source = await obtainToolbox(room, request.image, io)
  const record = await findContainer(room, name) // a pull takes its time
  refuse(record)
  const command = request.command.length > 0 ? request.command : (source.config.config?.Cmd ?? ['sh'])
  const exec: ExecRequest = { command, interactive: request.interactive, tty: request.tty }
  const execId = randomHex(32)
  const directory = await makeRunDirectory(room, record, execId)
  let started: StartedExec
  try {
    const plan = await planDebug(room, { record, source, exec, execId })
    started = await superviseExec(room, { record, execId, directory }, { plan, request: exec, io })
  } catch (error) {
    await removeExecFiles(room.paths, { id: record.id, execId, directory })
    throw error instanceof CoracleError ? explainFailure(room, record, error) : error
  }
  return followExec(room, started, { request: exec, io })
}

function refuse({ id, backend, state }: ContainerRecord): void {
  if (backend === 'wasi') throw new DebugImpossible('a WebAssembly container has no namespaces and no files to look at')
  if (state === 'paused') throw new ContainerPaused(`Container ${id} is paused, unpause the container before debug`)
  if (backend.startsWith('plugin:') && isActive(state))
    throw new DebugImpossible('what runs in a backend of a plugin shows nobody its namespaces', {
      hint: `stop it first: coracle stop ${id.slice(0, 12)}`,
    })
  if (state === 'starting' || state === 'removing')
    throw new DebugImpossible(`container ${id.slice(0, 12)} is ${state}`)
}

/** A container that does not run has none that another one could be below. */
async function makeRunDirectory(room: ContainerRoom, record: ContainerRecord, execId: string): Promise<string> {
  if (isActive(record.state)) return makeExecDirectory(room.paths, record.id, execId)
  await sweepStopped(room.paths)
  const directory = stoppedRunDirectory(room.paths, execId)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}
