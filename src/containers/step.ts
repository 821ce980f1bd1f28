/** A command of a build: a container that nobody sees, on any layers, and that ends with this process at the latest. */
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Cancelled } from '../errors.ts'
import type { Supervisor } from '../linux/supervisor.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { MountSpec } from '../oci/runtime-spec.ts'
import type { RootFilesystem } from '../plugins/contract.ts'
import { thisProcess } from '../state/lock.ts'
import { demultiplexer } from './attach/frames.ts'
import { createContainer, type Made } from './create.ts'
import { type Draft, draftContainer } from './draft.ts'
import { discardContainer, finishContainer } from './finish.ts'
import type { Source } from './obtain-image.ts'
import { parseRunRequest } from './parse/run-request.ts'
import { changeRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { startContainer } from './start.ts'

export interface StepRequest {
  /** Unpacked layers to run on, top-most first; at least one. */
  readonly lower: readonly string[]
  readonly platform: Platform
  readonly argv: readonly string[]
  /** `NAME=value` */
  readonly env: readonly string[]
  /** As in an image's config; looked up in the layers. */
  readonly user: string
  readonly directory: string
  readonly hostname: string
  /** `host` and `none` as in `run`; undefined: what a `run` gets that asks for none. */
  readonly network: 'host' | 'none' | undefined
  readonly privileged: boolean
  /** Of `run`, as typed. */
  readonly flags: {
    readonly 'add-host'?: readonly string[]
    readonly 'shm-size'?: string
    readonly ulimit?: readonly string[]
    readonly 'cgroup-parent'?: string
  }
  readonly mounts: readonly MountSpec[]
  /** Both streams, in the order they come. */
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void
  readonly signal: AbortSignal
}

export interface StepResult {
  readonly status: number
  readonly oomKilled: boolean
}

/** The files of an ended step, for as long as `take` runs. */
export interface StepFiles {
  /** What it has written, as an overlay's upper directory. */
  readonly upper: string
}

/**
 * Runs the command with no more rights than `run` gives. When this returns, or throws, nothing of it is left but what `take` has
 * moved away; the same holds when this process is killed, a moment later.
 *
 * @param take - called after the end, whatever the exit status
 * @throws {Cancelled} `signal` was aborted
 * @throws {CoracleError} it could not be started (exit status 126 or 127: no such program)
 */
export async function runStep<Result>(
  room: ContainerRoom,
  request: StepRequest,
  take: (result: StepResult, files: StepFiles) => Promise<Result>,
): Promise<Result> {
  const draft = await draftStep(room, request)
  const made = await createContainer(room, draft)
  const spec = { ...made.spec, mounts: [...(made.spec.mounts ?? []), ...request.mounts] }
  const directories = { ...made.directories, rootfs: unsynced(made.directories.rootfs) }
  const supervisor = await started(room, draft, { made: { ...made, spec, directories }, signal: request.signal })
  const run = { id: draft.id, supervisor: supervisor.supervisor }
  try {
    const exit = await follow(supervisor, request)
    request.signal.throwIfAborted()
    const { rootfs } = made.directories
    const upper = rootfs.kind === 'layers' ? rootfs.upper : ''
    return await take({ status: exit.status, oomKilled: exit.oomKilled }, { upper })
  } catch (error) {
    throw request.signal.aborted ? new Cancelled({ cause: error }) : error
  } finally {
    supervisor.release()
    await finishContainer(room, run, { exit: await supervisor.wait().catch(() => undefined) })
  }
}

async function draftStep(room: ContainerRoom, request: StepRequest): Promise<Draft> {
  const { lower, platform, argv, env, user, directory } = request
  const settings = parseRunRequest({
    image: '',
    command: argv,
    flags: {
      ...request.flags,
      rm: true,
      'log-driver': 'none',
      hostname: request.network === 'host' ? undefined : request.hostname,
      network: request.network,
      privileged: request.privileged,
    },
  })
  const config = { Env: env, User: user, WorkingDir: directory }
  const source: Source = {
    id: undefined,
    name: '',
    platform,
    config: { ...platform, config, rootfs: { type: 'layers', diff_ids: [] } },
    annotations: {},
    content: { kind: 'layers', lower },
  }
  const draft = await draftContainer(room, settings, { source })
  return { ...draft, settings: { ...draft.settings, purpose: 'build' } }
}

/** A step that the host does not survive is carried out again: package managers sync every file, for nothing. */
function unsynced(rootfs: RootFilesystem): RootFilesystem {
  return rootfs.kind === 'layers' ? { ...rootfs, volatile: true } : rootfs
}

/** After a failure nothing is left. */
async function started(
  room: ContainerRoom,
  draft: Draft,
  { made, signal }: { readonly made: Made; readonly signal: AbortSignal },
): Promise<Supervisor> {
  try {
    signal.throwIfAborted()
    return await startContainer(room, draft, { made, byUser: true, tied: true })
  } catch (error) {
    changeRecord(room.database, draft.id, { owner: thisProcess() })
    await discardContainer(room, draft)
    throw error
  }
}

async function follow(supervisor: Supervisor, { onOutput, signal }: StepRequest) {
  const kill = () => void supervisor.signal(9).catch(() => {}) // one that cannot be told has ended
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  try {
    const sink = demultiplexer({ 1: sinkOf('stdout', onOutput), 2: sinkOf('stderr', onOutput) })
    supervisor.stdio.on('error', () => sink.end())
    supervisor.stdio.pipe(sink)
    const exit = await supervisor.wait()
    await finished(sink)
    return exit
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

function sinkOf(stream: 'stdout' | 'stderr', onOutput: StepRequest['onOutput']): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      onOutput(chunk, stream)
      done()
    },
  })
}
