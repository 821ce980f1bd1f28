/** What the container room answers. */
import type { Readable, Writable } from 'node:stream'
import type { TransferOptions } from '../images/types.ts'
import type { Tried } from '../network/names/types.ts'
import type { ResourceUsage } from '../plugins/contract.ts'
import type { CheckOptions, RoomReport } from '../state/findings.ts'
import type { ConnectFlags, RunFlags, UpdateFlags } from './flags.ts'
import type { ContainerState } from './lifecycle.ts'

export type { Tried } from '../network/names/types.ts'
export type { ConnectFlags, RunFlags, UpdateFlags } from './flags.ts'

export interface RunRequest {
  /** An image name, or the path of a WebAssembly module (`./module.wasm`). */
  readonly image: string
  /** Everything behind the image. */
  readonly command: readonly string[]
  readonly flags: RunFlags
}

/** Opens a display of progress; it is closed before the container runs. */
export type OpenTransfer = () => Promise<TransferOptions & { close(): void }>

/** The terminal or pipes of whoever runs a container. */
export interface RunIO {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }
  readonly stderr: Writable
  /** Asks whoever sits at the terminal; undefined where nobody does. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined
  /** How to show a pull, asked for when one turns out to be needed. */
  readonly openTransfer?: OpenTransfer | undefined
}

/** One row of `ps`. */
export interface ContainerSummary {
  readonly id: string
  readonly name: string
  readonly imageName: string
  /** undefined for a bare module */
  readonly image: string | undefined
  readonly backend: string
  /** The command line as docker shows it, unquoted and untruncated. */
  readonly command: string
  readonly state: ContainerState
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  /** -1: ended, but nobody could learn how */
  readonly exitStatus: number | undefined
  readonly health: 'starting' | 'healthy' | 'unhealthy' | undefined
  readonly labels: Readonly<Record<string, string>>
  /** Targets and sources of its mounts. */
  readonly mounts: readonly string[]
  readonly networkMode: string
  /** Names of those it is on, or is to be on. */
  readonly networks?: readonly string[]
  /** What is published and exposed, in docker's words. */
  readonly ports?: string
  /** With `size` only: bytes written into the container, and with its image. */
  readonly size: { readonly writableBytes: number; readonly virtualBytes: number } | undefined
}

export interface ListOptions {
  /** Stopped ones too. */
  readonly all?: boolean
  /** The latest so many, in any state. */
  readonly last?: number
  /** docker's `key=value`, unparsed. */
  readonly filters?: readonly string[]
  readonly size?: boolean
}

export interface StopOptions {
  /** Until the kill; -1: never. The container's own, else 10, when missing. */
  readonly timeoutSeconds?: number | undefined
  /** Instead of the container's stop signal. */
  readonly signal?: string | undefined
}

export interface StartOptions {
  /** Attach stdout, stderr and signals. */
  readonly attach?: boolean
  /** Attach stdin. */
  readonly interactive?: boolean
  readonly detachKeys?: string | undefined
  readonly signalProxy?: boolean
}

export interface AttachOptions {
  readonly stdin: boolean
  readonly detachKeys?: string | undefined
  readonly signalProxy: boolean
}

/** The flags of `exec` as typed. */
export interface ExecRequest {
  readonly command: readonly string[]
  readonly detach?: boolean
  readonly interactive?: boolean
  readonly tty?: boolean
  readonly privileged?: boolean
  readonly user?: string | undefined
  readonly workdir?: string | undefined
  readonly env?: readonly string[]
  readonly envFiles?: readonly string[]
  readonly detachKeys?: string | undefined
}

export interface DebugRequest {
  /** What to run; a shell when empty. */
  readonly command: readonly string[]
  /** Of the tools; the default toolbox when missing. */
  readonly image?: string | undefined
  readonly interactive: boolean
  readonly tty: boolean
}

export interface LogOptions {
  readonly follow?: boolean
  /** `all`, or how many of the last lines. */
  readonly tail?: string | undefined
  /** A time stamp, Unix seconds, or a duration back from now. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly signal?: AbortSignal
}

export interface LogEntry {
  /** Name of the container. */
  readonly container: string
  readonly timeNs: bigint
  readonly stream: 'stdout' | 'stderr'
  /** With its line feed, when it had one. */
  readonly text: string
  /** `labels` and `env` that the log options name, for `--details`. */
  readonly details: Readonly<Record<string, string>>
}

/** One sample of `stats`; rates are made of two. */
export interface StatsSample {
  readonly id: string
  readonly name: string
  readonly atMs: number
  readonly usage: ResourceUsage
  /** CPUs that this host has. */
  readonly cpus: number
  readonly network: { readonly receivedBytes: number; readonly sentBytes: number }
}

export interface ProcessTable {
  readonly titles: readonly string[]
  readonly processes: readonly (readonly string[])[]
}

export interface PathChange {
  readonly kind: 'A' | 'C' | 'D'
  readonly path: string
}

export interface CommitOptions {
  /** Reference of the new image. */
  readonly reference?: string | undefined
  readonly author?: string | undefined
  readonly message?: string | undefined
  /** Dockerfile instructions. */
  readonly changes?: readonly string[]
  /** A running container stands still meanwhile; where it can be paused, when missing. */
  readonly pause?: boolean
  readonly signal?: AbortSignal
}

/** A path of the host or of a container; `-` of the host stands for a tar stream. */
export interface CopyPlace {
  readonly container?: string | undefined
  readonly path: string
}

export interface CopyRequest {
  readonly from: CopyPlace
  readonly to: CopyPlace
  /** Copy uid and gid as well. */
  readonly archive?: boolean
  /** Follow a symbolic link that the source is. */
  readonly followLink?: boolean
  /** false: say on stderr how much was copied. */
  readonly quiet?: boolean
  readonly signal?: AbortSignal
}

export interface PortBinding {
  readonly containerPort: string
  readonly hostIp: string
  readonly hostPort: string
}

/** docker's shape; `src/containers/inspect.ts` has the fields. */
export type ContainerInspect = Readonly<Record<string, unknown>>

export interface PruneContainersResult {
  readonly deleted: readonly string[]
  readonly reclaimedBytes: number
}

/**
 * Names are names, ids, or unambiguous prefixes of ids: every method with one may throw `ContainerNotFound` and
 * `AmbiguousContainer`.
 */
export interface ContainerEngine {
  /**
   * Creates and starts a container and stays attached until it ends, is detached from, or `-d` lets it go at once.
   * Restores the terminal whatever happens.
   *
   * @returns the exit status for the command: the container's own, or 0 when it goes on without us
   * @throws {CoracleError} with exit status 125, 126 or 127; the container, if one was made, is left as docker leaves it
   */
  run(request: RunRequest, io: RunIO): Promise<number>
  /** @returns the id */
  create(request: RunRequest, io: Pick<RunIO, 'stderr' | 'openTransfer'>): Promise<string>
  /** Nothing happens to one that runs. @returns the exit status for the command */
  start(name: string, options?: StartOptions, io?: RunIO): Promise<number>
  /** The stop signal, and SIGKILL after the grace time. Nothing happens to one that does not run. */
  stop(name: string, options?: StopOptions): Promise<void>
  restart(name: string, options?: StopOptions): Promise<void>
  /** @throws {ContainerNotRunning} */
  kill(name: string, signal?: string): Promise<void>
  /** @throws {ContainerNotRunning} @throws {StateConflict} it is paused already */
  pause(name: string): Promise<void>
  unpause(name: string): Promise<void>
  /** @returns the exit status; -1: nobody could learn it */
  wait(name: string, signal?: AbortSignal): Promise<number>
  /** Newest first. Records whose process is gone are brought up to date on the way. */
  list(options?: ListOptions): Promise<readonly ContainerSummary[]>
  /** @throws {ContainerRunning} without `force` */
  remove(name: string, options?: { readonly force?: boolean; readonly volumes?: boolean }): Promise<void>
  /** @throws {ContainerNameInUse} */
  rename(name: string, to: string): Promise<void>
  /** Limits take effect at once where it runs. @returns warnings */
  update(name: string, flags: UpdateFlags): Promise<readonly string[]>
  /** At once where it runs, else with its next start; its other networks are left alone. */
  connect(name: string, network: string, flags: ConnectFlags): Promise<void>
  /** @throws {NotConnected} unless it is forced */
  disconnect(name: string, network: string, options: { readonly force: boolean }): Promise<void>
  /** Removes all that have stopped. */
  prune(filters: readonly string[]): Promise<PruneContainersResult>

  /** Merged by time where there are several containers. @throws {LogsUnreadable} the log driver keeps none */
  logs(names: readonly string[], options: LogOptions): AsyncIterable<LogEntry>
  clearLogs(name: string): Promise<void>
  /** What its allow-list has refused, oldest first; the last 2 MiB of it. */
  tried(name: string): Promise<readonly Tried[]>

  /** @returns the exit status of the program, 126 or 127 when there is none, 0 with `detach` */
  exec(name: string, request: ExecRequest, io: RunIO): Promise<number>
  attach(name: string, options: AttachOptions, io: RunIO): Promise<number>
  debug(name: string, request: DebugRequest, io: RunIO): Promise<number>
  /** @param psArguments - of `ps`, `-ef` when empty */
  top(name: string, psArguments: readonly string[]): Promise<ProcessTable>
  stats(name: string): Promise<StatsSample>

  inspect(name: string, options?: { readonly size?: boolean }): Promise<ContainerInspect>
  /** The words of a `run` that would make this container again. */
  asCommand(name: string): Promise<readonly string[]>
  ports(name: string): Promise<readonly PortBinding[]>

  copy(request: CopyRequest, io: RunIO): Promise<void>
  changes(name: string): Promise<readonly PathChange[]>
  /** @returns the id of the image */
  commit(name: string, options: CommitOptions): Promise<string>
  /** The root file system as a tar stream. */
  export(name: string, output: NodeJS.WritableStream, signal?: AbortSignal): Promise<void>

  /** Records the end of a container from its exit record. What the supervisor's exit hook calls. Idempotent. */
  exited(id: string): Promise<void>
  /** Cleans up after a process of `exec` that nobody waited for. What its supervisor's exit hook calls. Idempotent. */
  execEnded(id: string, execId: string): Promise<void>
  /** Starts a container whose pause before a restart is over. */
  restartDue(id: string): Promise<void>
  /** Hands a container's log to the driver of a plugin, until it has ended. @param ready - called when it has begun */
  forwardLogs(id: string, ready: () => void): Promise<void>
  /** Runs one health probe. @returns when the next one comes: after the usual interval, after the start interval */
  probe(id: string): Promise<'usual' | 'soon' | 'never'>
  /** Records against processes and files, and what belongs to no container; mended where that is asked for. */
  check(options: CheckOptions): Promise<RoomReport>
  /** Brings records of these ids up to date whose processes are gone. */
  settle(ids: readonly string[]): Promise<void>
  /** Names of the networks that containers in any state are to be on. */
  namedNetworks(): ReadonlySet<string>
  /** Containers in any state that were made of the image with this id. */
  usersOf(imageId: string): readonly { readonly id: string; readonly name: string; readonly running: boolean }[]
}
