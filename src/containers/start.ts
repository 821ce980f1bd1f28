/** `created` → `starting` → `running`: plans, starts the supervisor, and records who is running. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { CoracleError } from '../errors.ts'
import type { Supervisor } from '../linux/supervisor.ts'
import type { RuntimeSpec } from '../oci/runtime-spec.ts'
import { packageRoot } from '../package-root.ts'
import type { Paths } from '../paths.ts'
import type { Bundle, LaunchPlan, RootFilesystem } from '../plugins/contract.ts'
import { thisProcess } from '../state/lock.ts'
import type { ContainerDirectories } from './directories.ts'
import type { Draft } from './draft.ts'
import { cleanUp } from './finish.ts'
import { cgroupSteps, isRootless } from './host.ts'
import { advance } from './records.ts'
import type { ContainerRoom } from './room.ts'

export type BundleDirectories = ContainerDirectories & { readonly rootfs: RootFilesystem }

/** The plan that would start the container; nothing is done yet. */
export async function planContainer(
  draft: Draft,
  directories: BundleDirectories,
  spec: RuntimeSpec,
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
  }
  return draft.backend.plan(bundle)
}

export interface StartOptions {
  readonly directories: BundleDirectories
  readonly spec: RuntimeSpec
  /** First size of the terminal. */
  readonly size: { readonly columns: number; readonly rows: number } | undefined
}

/**
 * @throws {CoracleError} the program could not be started (exit status 126 or 127), or anything before it; the record
 *   is back in `created` and carries the error, nothing runs
 */
export async function startContainer(room: ContainerRoom, draft: Draft, options: StartOptions): Promise<Supervisor> {
  const { directories, spec, size } = options
  const { config } = draft.settings
  advance(room.database, draft.id, { to: 'starting', owner: thisProcess() })
  try {
    rmSync(join(directories.data, 'exit'), { force: true }) // of an earlier run
    const plan = await planContainer(draft, directories, spec)
    const { startSupervisor } = await import('../linux/supervisor.ts')
    const supervisor = await startSupervisor({
      plan,
      runDirectory: directories.run,
      stateDirectory: directories.data,
      ...(config.Tty && { terminal: size ?? { columns: 80, rows: 24 } }),
      openStdin: config.OpenStdin,
      stdinOnce: config.StdinOnce,
      log: { path: join(directories.data, `${draft.id}-json.log`), maxSizeBytes: LOG_BYTES, maxFiles: LOG_FILES },
      exitHook: exitHook(room.paths, draft.id),
    })
    advance(room.database, draft.id, {
      to: 'running',
      process: supervisor.container,
      supervisor: supervisor.supervisor,
      owner: undefined,
      startedAtMs: Date.now(),
      finishedAtMs: undefined,
      exitStatus: undefined,
      error: undefined,
    })
    return supervisor
  } catch (error) {
    await failedStart(room, draft, error)
    throw error
  }
}

/** Rotation is on by default: a chatty container does not fill the disk. */
const LOG_BYTES = 20 << 20
const LOG_FILES = 5

async function failedStart(room: ContainerRoom, draft: Draft, error: unknown): Promise<void> {
  await cleanUp(room, { id: draft.id, backend: draft.backendName, settings: draft.settings }, false)
  advance(room.database, draft.id, {
    to: 'created',
    owner: undefined,
    exitStatus: error instanceof CoracleError ? error.exitCode : 128,
    error: error instanceof Error ? error.message : String(error),
  })
}

/** How the supervisor calls this installation when nobody else takes the exit. */
function exitHook(paths: Paths, id: string): { argv: readonly string[]; env: readonly string[] } {
  const { PATH, HOME } = process.env
  const env = { CORACLE_ROOT: paths.root, CORACLE_RUN: paths.run, CORACLE_NODE: process.execPath, PATH, HOME }
  return {
    argv: [join(packageRoot, 'bin', 'coracle'), 'internal', 'exited', id],
    env: Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
  }
}
