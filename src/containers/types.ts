/** What the container room answers. */
import type { Readable, Writable } from 'node:stream'
import type { TransferOptions } from '../images/types.ts'
import type { ContainerState } from './lifecycle.ts'

/** The flags of `run` and `create` as typed, by docker's long names. Missing means not given. */
export interface RunFlags {
  readonly 'add-host'?: readonly string[] | undefined
  readonly annotation?: readonly string[] | undefined
  readonly attach?: readonly string[] | undefined
  readonly 'blkio-weight'?: string | undefined
  readonly 'blkio-weight-device'?: readonly string[] | undefined
  readonly 'cap-add'?: readonly string[] | undefined
  readonly 'cap-drop'?: readonly string[] | undefined
  readonly 'cgroup-parent'?: string | undefined
  readonly cgroupns?: string | undefined
  readonly cidfile?: string | undefined
  readonly 'cpu-period'?: string | undefined
  readonly 'cpu-quota'?: string | undefined
  readonly 'cpu-shares'?: string | undefined
  readonly cpus?: string | undefined
  readonly 'cpuset-cpus'?: string | undefined
  readonly 'cpuset-mems'?: string | undefined
  readonly 'debug-plan'?: boolean | undefined
  readonly detach?: boolean | undefined
  readonly 'detach-keys'?: string | undefined
  readonly device?: readonly string[] | undefined
  readonly 'device-cgroup-rule'?: readonly string[] | undefined
  readonly 'device-read-bps'?: readonly string[] | undefined
  readonly 'device-read-iops'?: readonly string[] | undefined
  readonly 'device-write-bps'?: readonly string[] | undefined
  readonly 'device-write-iops'?: readonly string[] | undefined
  readonly dns?: readonly string[] | undefined
  readonly 'dns-option'?: readonly string[] | undefined
  readonly 'dns-search'?: readonly string[] | undefined
  readonly domainname?: string | undefined
  readonly entrypoint?: string | undefined
  readonly env?: readonly string[] | undefined
  readonly 'env-file'?: readonly string[] | undefined
  readonly 'group-add'?: readonly string[] | undefined
  readonly hostname?: string | undefined
  readonly init?: boolean | undefined
  readonly interactive?: boolean | undefined
  readonly ipc?: string | undefined
  readonly label?: readonly string[] | undefined
  readonly 'label-file'?: readonly string[] | undefined
  readonly 'mac-address'?: string | undefined
  readonly memory?: string | undefined
  readonly 'memory-reservation'?: string | undefined
  readonly 'memory-swap'?: string | undefined
  readonly 'memory-swappiness'?: string | undefined
  readonly mount?: readonly string[] | undefined
  readonly name?: string | undefined
  readonly network?: string | undefined
  readonly 'oom-kill-disable'?: boolean | undefined
  readonly 'oom-score-adj'?: string | undefined
  readonly pid?: string | undefined
  readonly 'pids-limit'?: string | undefined
  readonly platform?: string | undefined
  readonly privileged?: boolean | undefined
  readonly pull?: string | undefined
  readonly quiet?: boolean | undefined
  readonly 'read-only'?: boolean | undefined
  readonly rm?: boolean | undefined
  readonly runtime?: string | undefined
  readonly 'security-opt'?: readonly string[] | undefined
  readonly 'shm-size'?: string | undefined
  readonly 'sig-proxy'?: boolean | undefined
  readonly 'stop-signal'?: string | undefined
  readonly 'stop-timeout'?: string | undefined
  readonly sysctl?: readonly string[] | undefined
  readonly tmpfs?: readonly string[] | undefined
  readonly tty?: boolean | undefined
  readonly ulimit?: readonly string[] | undefined
  readonly user?: string | undefined
  readonly userns?: string | undefined
  readonly uts?: string | undefined
  readonly volume?: readonly string[] | undefined
  readonly workdir?: string | undefined
}

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
  /** How to show a pull, asked for when one turns out to be needed. */
  readonly openTransfer?: OpenTransfer | undefined
}

/** One row of `ps`. */
export interface ContainerSummary {
  readonly id: string
  readonly name: string
  readonly imageName: string
  /** The command line as docker shows it, unquoted and untruncated. */
  readonly command: string
  readonly state: ContainerState
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  /** -1: ended, but nobody could learn how */
  readonly exitStatus: number | undefined
  readonly labels: Readonly<Record<string, string>>
}

export interface ListOptions {
  /** Stopped ones too. */
  readonly all?: boolean
}

export interface ContainerEngine {
  /**
   * Creates and starts a container and stays attached until it ends, is detached from, or `-d` lets it go at once.
   * Restores the terminal whatever happens.
   *
   * @returns the exit status for the command: the container's own, or 0 when it goes on without us
   * @throws {CoracleError} with exit status 125, 126 or 127; the container, if one was made, is left as docker leaves it
   */
  run(request: RunRequest, io: RunIO): Promise<number>
  /** Newest first. Records whose process is gone are brought up to date on the way. */
  list(options?: ListOptions): Promise<readonly ContainerSummary[]>
  /**
   * @param name - name, id, or unambiguous prefix of an id
   * @throws {ContainerNotFound} @throws {AmbiguousContainer} @throws {ContainerRunning} without `force`
   */
  remove(name: string, options?: { readonly force?: boolean }): Promise<void>
  /** Records the end of a container from its exit record. What the supervisor's exit hook calls. Idempotent. */
  exited(id: string): Promise<void>
  /** Containers in any state that were made of the image with this id. */
  usersOf(imageId: string): readonly { readonly id: string; readonly name: string; readonly running: boolean }[]
}
