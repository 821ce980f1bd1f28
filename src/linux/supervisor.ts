/**
 * The TypeScript side of the native supervisor: starts one per container and talks to it over its socket.
 */
import type { Duplex } from 'node:stream'
import type { ProcessIdentity } from '../util/process-identity.ts'
import type { LaunchPlan } from './plan.ts'

export interface SuperviseOptions {
  readonly plan: LaunchPlan
  /** Holds `supervisor.sock`, `pid` and other volatile files; must exist. At most 80 bytes long (socket addresses are short). */
  readonly runDirectory: string
  /** Where the `exit` record is written, atomically; must exist and survive a reboot. */
  readonly stateDirectory: string
  /** A pty instead of pipes. Its first size, when known. */
  readonly terminal?: { readonly columns: number; readonly rows: number }
  /** Keep the container's stdin open for attached clients; otherwise it is /dev/null. */
  readonly openStdin: boolean
  /** Close the container's stdin when the first attached client that sends it ends. */
  readonly stdinOnce: boolean
  /** docker's `json-file` format, rotated when `maxSizeBytes` is reached (0: never); undefined writes no log. */
  readonly log?: { readonly path: string; readonly maxSizeBytes: number; readonly maxFiles: number }
  /** Run after the exit record is written unless an owner (the connection `startSupervisor` keeps) took the exit over. */
  readonly exitHook?: { readonly argv: readonly string[]; readonly env: readonly string[] }
}

export interface ExitRecord {
  /** 0–255; 128 + n if signal n ended the process. */
  readonly status: number
  readonly signal: number
  readonly oomKilled: boolean
  /** nanoseconds since the epoch */
  readonly finishedAtNs: bigint
}

/** One started container as the command that started it sees it. */
export interface Supervisor {
  readonly supervisor: ProcessIdentity
  readonly container: ProcessIdentity
  /** Messages of steps that were clamped or skipped (`rlimit` …). */
  readonly warnings: readonly string[]
  /**
   * The container's stdio from its first byte. Without a terminal what is read is docker's stream framing (8-byte
   * header: stream 0–2, 0, 0, 0, length big-endian), with one it is raw. What is written goes to stdin; ending the
   * writable side closes stdin.
   */
  readonly stdio: Duplex
  signal(signal: number): Promise<void>
  resize(size: { columns: number; rows: number }): Promise<void>
  /** Resolves with the exit record once it is on disk. Takes over the exit: the hook will not run. */
  wait(): Promise<ExitRecord>
  /** Lets go: the supervisor goes on alone, the hook runs at the end. */
  release(): void
}
