/** `created` → `starting` → `running`: plans, starts the supervisor, and records who is running. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CoracleError } from '../errors.ts'
import { callBack } from '../linux/call-back.ts'
import type { Supervisor } from '../linux/supervisor.ts'
import type { RuntimeSpec } from '../oci/runtime-spec.ts'
import type { Bundle, LaunchPlan, NetworkSteps, RootFilesystem } from '../plugins/contract.ts'
import { thisProcess } from '../state/lock.ts'
import { writeBundle } from './bundle.ts'
import { deadlineOf } from './deadline.ts'
import { type ContainerDirectories, makeDirectories } from './directories.ts'
import type { Draft } from './draft.ts'
import { cleanUp } from './finish.ts'
import { initialHealth, probeTimer } from './health/timer.ts'
import { holding } from './hold.ts'
import { cgroupSteps, isRootless } from './host.ts'
import { startForwarder } from './logs/start-forwarder.ts'
import { logTarget } from './logs/target.ts'
import { joinConfigured } from './networks/join.ts'
import { servedPorts } from './networks/served.ts'
import { mountForeign } from './plugin-volumes.ts'
import { advance, readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { RunIO } from './types.ts'
import { completeVolumes, tellOfVolumes } from './volumes.ts'

export type BundleDirectories = ContainerDirectories & { readonly rootfs: RootFilesystem }

/** The plan that would start the container; nothing is done yet. */
export async function planContainer(
  draft: Draft,
  directories: BundleDirectories,
  { spec, network }: { readonly spec: RuntimeSpec; readonly network?: NetworkSteps | undefined },
): Promise<LaunchPlan> {
  const bundle: Bundle = {
    id: draft.id,
    directory: directories.data,
    runDirectory: directories.run,
    spec,
    rootfs: directories.rootfs,
    rootless: isRootless(),
    cgroup: await cgroupSteps(spec),
    init: draft.settings.host.Init,
    ports: servedPorts(draft.settings),
    ...(network !== undefined && { network }),
  }
  return draft.backend.plan(bundle)
}

/** What is on disk for a start. */
interface Prepared {
  readonly directories: BundleDirectories
  readonly spec: RuntimeSpec
}

export interface StartOptions {
  /** Made by this command just now; otherwise it is made again from the record, whatever a crash has left. */
  readonly made?: Prepared | undefined
  /** Whose terminal it is; its size is the first one of the container's. */
  readonly io?: Pick<RunIO, 'stdout'> | undefined
  /** A policy's restart leaves the count of restarts, and who ended it last, as they are. */
  readonly byUser: boolean
  /** It ends with this process, which records the end. */
  readonly tied?: boolean
}

/**
 * @throws {StateConflict} it runs, or somebody else is at work on it
 * @throws {CoracleError} the program could not be started (exit status 126 or 127), or anything before it; the record
 *   says why, nothing runs
 */
export async function startContainer(room: ContainerRoom, draft: Draft, options: StartOptions): Promise<Supervisor> {
  return holding(room, draft.id, () => startHeld(room, draft, options))
}

async function startHeld(room: ContainerRoom, asked: Draft, options: StartOptions): Promise<Supervisor> {
  const { id } = asked
  const draft = options.made === undefined ? upToDate(room, asked) : asked
  advance(room.database, id, { to: 'starting', owner: thisProcess() })
  try {
    const prepared = options.made ?? (await prepareAgain(room, draft))
    const supervisor = await launch(room, draft, { ...prepared, size: sizeOf(options.io), tied: options.tied ?? false })
    advance(room.database, id, {
      to: 'running',
      process: supervisor.container,
      supervisor: supervisor.supervisor,
      owner: options.tied ? thisProcess() : undefined,
      startedAtMs: Date.now(),
      finishedAtMs: undefined,
      exitStatus: undefined,
      oomKilled: false,
      health: initialHealth(draft.settings),
      error: undefined,
      ...(options.byUser && { stoppedByUser: false, restartCount: 0, restartDelayMs: 0 }),
    })
    tellOfVolumes(room, id, 'mount')
    return supervisor
  } catch (error) {
    await failedStart(room, draft, error)
    throw error
  }
}

/** Its limits, networks and volumes may have changed while others had the lock. */
function upToDate({ database }: ContainerRoom, draft: Draft): Draft {
  const record = readRecord(database, draft.id)
  return record === undefined ? draft : { ...draft, name: record.name, settings: record.settings }
}

/** Host names, joined namespaces and name servers may have changed since the last start. */
async function prepareAgain(room: ContainerRoom, draft: Draft): Promise<Prepared> {
  const directories = makeDirectories(room.paths, draft.id, draft.source)
  await completeVolumes(room, draft, directories)
  return { directories, spec: await writeBundle(room, draft, directories) }
}

type Size = { readonly columns: number; readonly rows: number }

function sizeOf(io: StartOptions['io']): Size {
  const { columns, rows } = io?.stdout ?? {}
  return columns === undefined || rows === undefined ? { columns: 80, rows: 24 } : { columns, rows }
}

async function launch(
  room: ContainerRoom,
  draft: Draft,
  { directories, spec, size, tied }: Prepared & { readonly size: Size; readonly tied: boolean },
): Promise<Supervisor> {
  const { config } = draft.settings
  mkdirSync(directories.run, { recursive: true, mode: 0o700 })
  rmSync(join(directories.data, 'exit'), { force: true }) // of an earlier run
  const network = await joinConfigured(room, draft, directories)
  const mounted = await mountForeign(room, { id: draft.id, spec, directory: directories.data })
  const plan = await planContainer(draft, directories, { spec: mounted, network })
  await startForwarder(room, draft)
  const { startSupervisor } = await import('../linux/supervisor.ts')
  return startSupervisor({
    plan,
    runDirectory: directories.run,
    stateDirectory: directories.data,
    ...(config.Tty && { terminal: size }),
    openStdin: config.OpenStdin,
    stdinOnce: config.StdinOnce,
    tied,
    ...logTarget(room.paths, draft),
    ...probeTimer(room.paths, draft),
    ...deadlineOf(draft.settings),
    exitHook: callBack(room.paths, ['exited', draft.id]),
  })
}

async function failedStart(room: ContainerRoom, draft: Draft, error: unknown): Promise<void> {
  await cleanUp(room, { id: draft.id, backend: draft.backendName, settings: draft.settings }, false)
  advance(room.database, draft.id, {
    to: 'created',
    owner: undefined,
    exitStatus: error instanceof CoracleError ? error.exitCode : 128,
    error: error instanceof Error ? error.message : String(error),
  })
}
