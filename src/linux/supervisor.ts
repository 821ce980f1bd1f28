/** The TypeScript side of the native supervisor: starts one per container and speaks to it (docs/internals/native.md). */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ProcessIdentity } from '../util/process-identity.ts'
import { encodeChildStep } from './encode-child-step.ts'
import { encodePlan } from './encode-plan.ts'
import { type ExitRecord, readExitRecord } from './exit-record.ts'
import type { EarlyStart, LaunchPlan } from './plan.ts'
import { openControl, type SupervisorControl } from './supervisor-control.ts'
import { openSupervisorProcess, type SupervisorProcessOptions } from './supervisor-process.ts'
import { WireWriter } from './wire-writer.ts'

export interface SuperviseOptions extends SupervisorProcessOptions {
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
  /** The container is killed when this process ends, however it ends, or lets go of it. */
  readonly tied?: boolean
  /** docker's `json-file` format, rotated when `maxSizeBytes` is reached (0: never); undefined writes no log. */
  readonly log?: { readonly path: string; readonly maxSizeBytes: number; readonly maxFiles: number }
  /** The systemd journal instead of a file: its socket, and `NAME=value` fields of every entry. */
  readonly journal?: { readonly socket: string; readonly fields: readonly string[] }
  /** Run after the exit record is written unless an owner (the connection `startSupervisor` keeps) took the exit over. */
  readonly exitHook?: { readonly argv: readonly string[]; readonly env: readonly string[] }
  /** Run now and then while the container runs; its exit status says after which interval the next one comes. */
  readonly probe?: ProbeTimer
  readonly deadline?: Deadline
}

/** After `limitMs` the container's first process gets the signal, `graceMs` later SIGKILL, and its status is 124. */
export interface Deadline {
  readonly limitMs: number
  /** -1: it is never killed */
  readonly graceMs: number
  readonly signal: number
}

/** Milliseconds. Exit status 10 of the program: the next one after the start interval, 11: no more, others: the interval. */
export interface ProbeTimer {
  readonly firstMs: number
  readonly intervalMs: number
  readonly startIntervalMs: number
  readonly argv: readonly string[]
  readonly env: readonly string[]
}

/** One started container as the command that started it sees it. */
export interface Supervisor extends SupervisorControl {
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
  /** Lets go: the supervisor goes on alone, the hook runs at the end. */
  release(): void
}

/**
 * Resolves once the container's program runs.
 *
 * @throws {ProgramNotFound} exit 127 @throws {ProgramNotExecutable} exit 126
 * @throws {LaunchFailed} exit 125: a step failed; nothing of the container is left
 */
export async function startSupervisor(options: SuperviseOptions): Promise<Supervisor> {
  const message = encodeSuperviseOptions(options)
  const { give, control: controlSocket, attached, failed } = await openSupervisorProcess(options)
  const control = openControl(controlSocket)
  give(message)
  try {
    const identity = await Promise.race([control.started, failed])
    return {
      signal: control.signal,
      resize: control.resize,
      clearLog: control.clearLog,
      startResolver: control.startResolver,
      // The exit is its owner's from the start; a connection that broke after it still leaves the record.
      wait: () => control.exited.catch((error: unknown) => recordOr(options.stateDirectory, error)),
      takeExit: () => control.exited.catch((error: unknown) => recordOr(options.stateDirectory, error)),
      ...identity,
      stdio: attached,
      warnings: control.warnings,
      release: () => release(controlSocket, attached),
    }
  } catch (error) {
    attached.destroy()
    controlSocket.destroy()
    throw error
  }
}

function recordOr(stateDirectory: string, error: unknown): ExitRecord {
  const record = readExitRecord(stateDirectory)
  if (record === undefined) throw error
  return record
}

function release(control: Socket, attached: Duplex): void {
  control.end('RELEASE\n')
  attached.destroy()
}

/** What the supervisor reads: its options, then the plan (native/launch.h). */
export function encodeSuperviseOptions(options: SuperviseOptions): Buffer {
  const { plan, runDirectory, stateDirectory, terminal, log, journal, probe, deadline, exitHook } = options
  const writer = new WireWriter()
  writer.record(1, (record) => record.string(runDirectory))
  writer.record(2, (record) => record.string(stateDirectory))
  if (terminal !== undefined) writer.record(3, (record) => record.u32(terminal.columns).u32(terminal.rows))
  writer.record(4, (record) => record.flag(options.openStdin).flag(options.stdinOnce))
  if (log !== undefined) writer.record(5, (record) => record.string(log.path).u64(log.maxSizeBytes).u32(log.maxFiles))
  if (exitHook !== undefined) writer.record(6, (record) => record.strings(exitHook.argv).strings(exitHook.env))
  if (probe !== undefined)
    writer.record(7, (record) =>
      record.u64(probe.firstMs).u64(probe.intervalMs).u64(probe.startIntervalMs).strings(probe.argv).strings(probe.env),
    )
  if (journal !== undefined)
    writer.record(8, (record) => record.string(journal.socket).string(journalLines(journal.fields)))
  if (deadline !== undefined)
    writer.record(9, (record) => record.u64(deadline.limitMs).u64(deadline.graceMs).u32(deadline.signal))
  if (options.tied) writer.record(10, (record) => record.flag(true))
  if (plan.early !== undefined) encodeEarlyStart(writer, plan.early)
  encodePlan(writer, plan)
  return writer.finish()
}

function encodeEarlyStart(writer: WireWriter, { plan, late }: EarlyStart): void {
  writer.record(11, (record) => record.bytes(plan))
  const steps = new WireWriter()
  for (const step of late) encodeChildStep(steps, step)
  writer.record(12, (record) => record.bytes(steps.finish()))
}

/** A value of one line only: what follows a line feed would be a field of its own. */
function journalLines(fields: readonly string[]): string {
  return fields.map((field) => `${field.replace(/[\0\n]/g, ' ')}\n`).join('')
}
