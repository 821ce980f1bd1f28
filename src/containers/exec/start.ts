/** Starts a process beside a container's own, and cleans up after it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CoracleError } from '../../errors.ts'
import { callBack } from '../../linux/call-back.ts'
import type { Supervisor } from '../../linux/supervisor.ts'
import type { LaunchPlan, ProcessSpec } from '../../plugins/contract.ts'
import { transaction } from '../../state/database.ts'
import { isAlive } from '../../util/process-identity.ts'
import { randomHex } from '../../util/random.ts'
import { terminalSize } from '../attach/terminal-size.ts'
import { ContainerPaused } from '../errors.ts'
import { insertContainerEvent, logContainerEvent } from '../events.ts'
import { findRunning, type OpenedContainer, openRecord } from '../find.ts'
import { type ContainerRecord, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { ExecRequest, RunIO } from '../types.ts'
import { openContainerFiles } from './container-root.ts'
import { ContainerEnded, ExecFailed } from './errors.ts'
import { execProcess } from './process.ts'
import { type ExecPlace, makeExecDirectory, removeExecFiles } from './run-directory.ts'

/** @throws {ContainerPaused} @throws {ContainerNotRunning} */
export async function openForExec(room: ContainerRoom, name: string): Promise<OpenedContainer> {
  const record = await findRunning(room, name)
  if (record.state === 'paused')
    throw new ContainerPaused(`Container ${name} is paused, unpause the container before exec`)
  return { record, ...(await openRecord(room, record)) }
}

export interface StartedExec {
  readonly record: ContainerRecord
  readonly execId: string
  /** Its own run directory: whoever sees the end removes it. */
  readonly directory: string
  readonly supervisor: Supervisor
}

/**
 * Starts the program in the container. When this process ends, it goes on, and is cleaned up after by its exit hook.
 *
 * @param options.io - of a terminal only the size is used
 * @throws {CoracleError} with exit status 126 or 127: there is no such program, or it cannot be run
 */
export async function startExec(
  room: ContainerRoom,
  { record, backend, container }: OpenedContainer,
  { request, io }: { readonly request: ExecRequest; readonly io?: RunIO },
): Promise<StartedExec> {
  const execId = randomHex(32)
  const directory = makeExecDirectory(room.paths, record.id, execId)
  try {
    const plan = await backend.planExec({ ...container, runDirectory: directory }, describe(record, container, request))
    return await superviseExec(room, { record, execId, directory }, { plan, request, io })
  } catch (error) {
    await removeExecFiles(room.paths, { id: record.id, execId, directory })
    throw explainFailure(room, record, error)
  }
}

/** @param place - whose run directory exists, and is the caller's to remove when this fails */
export async function superviseExec(
  room: ContainerRoom,
  place: Omit<StartedExec, 'supervisor'>,
  { plan, request, io }: { readonly plan: LaunchPlan; readonly request: ExecRequest; readonly io?: RunIO | undefined },
): Promise<StartedExec> {
  const { record, execId, directory } = place
  const { startSupervisor } = await import('../../linux/supervisor.ts')
  const starting = startSupervisor({
    plan,
    runDirectory: directory,
    stateDirectory: directory,
    ...(request.tty && { terminal: (io && terminalSize(io)) ?? { columns: 80, rows: 24 } }),
    openStdin: request.interactive ?? false,
    stdinOnce: true,
    exitHook: callBack(room.paths, ['exec-ended', record.id, execId]),
  })
  starting.catch(() => {}) // awaited below, after what can be done meanwhile
  tellOfStart(room, record.id, { execId, request })
  return { ...place, supervisor: await starting }
}

function describe(record: ContainerRecord, container: OpenedContainer['container'], request: ExecRequest): ProcessSpec {
  const below = seesHost(record, container) ? join(container.directory, 'rootfs') : '/'
  using files = openContainerFiles(container, below)
  return execProcess({ record, container, request, files })
}

/** The first process that we know of a foreign runtime's container may be the runtime, which sees the root below. */
function seesHost({ backend }: ContainerRecord, { pid, directory }: OpenedContainer['container']): boolean {
  if (backend.startsWith('oci:')) return true
  return backend.startsWith('plugin:') && existsSync(join(`/proc/${pid}/root`, directory, 'rootfs'))
}

function tellOfStart(
  room: ContainerRoom,
  id: string,
  { execId, request }: { readonly execId: string; readonly request: ExecRequest },
): void {
  const command = request.command.join(' ')
  transaction(room.database, () => {
    insertContainerEvent(room.database, id, `exec_create: ${command}`, { execID: execId })
    insertContainerEvent(room.database, id, `exec_start: ${command}`, { execID: execId })
  })
}

/** Its namespaces and groups go, and its processes are killed, a moment before its first one is seen to be dead. */
const GONE = /: No such process$|cgroup\.procs: No such|its first process was killed before/

/** A container that ended meanwhile makes steps fail in ways that say nothing. */
export function explainFailure({ database }: ContainerRoom, record: ContainerRecord, error: unknown): unknown {
  if (!(error instanceof CoracleError)) return error
  if (record.process !== undefined && !isAlive(record.process)) return new ContainerEnded(record.id, { cause: error })
  if (error.code !== 'LAUNCH_FAILED') return error
  const ending = record.process !== undefined && readRecord(database, record.id)?.state !== 'running'
  return ending || GONE.test(error.message) ? new ContainerEnded(record.id, { cause: error }) : new ExecFailed(error)
}

/** After the end, however it came: nothing of the exec is left, and the event is told. Idempotent but for the event. */
export async function finishExec(room: ContainerRoom, place: ExecPlace, status: number): Promise<void> {
  await removeExecFiles(room.paths, place)
  logContainerEvent(room.database, place.id, 'exec_die', { execID: place.execId, exitCode: String(status) })
}
