/** Ends a running container: a signal, a grace time, SIGKILL; and waits until the end is recorded. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExitRecord } from '../linux/exit-record.ts'
import { type ConnectedSupervisor, connectSupervisor } from '../linux/supervisor-client.ts'
import { containerRunDirectory } from '../paths.ts'
import { isAlive, type ProcessIdentity } from '../util/process-identity.ts'
import { ContainerStuck } from './errors.ts'
import { finishContainer } from './finish.ts'
import { isActive } from './lifecycle.ts'
import { readExit, reconcile } from './reconcile.ts'
import { type ContainerRecord, readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** How long the kernel may take to end what was killed. */
const KILL_TIMEOUT_MS = 10_000
const POLL_MS = 10

const SIGKILL = 9

/** A connection to one that is being ended. Without its supervisor's socket the processes themselves are watched. */
export interface Ending {
  /** @returns whether it has ended, and the end is recorded, within `timeoutMs` (-1: however long it takes) */
  within(timeoutMs: number): Promise<boolean>
  signal(signal: number): Promise<void>
  [Symbol.dispose](): void
}

export async function openEnding(
  room: ContainerRoom,
  record: ContainerRecord,
  { keep }: { readonly keep: boolean },
): Promise<Ending> {
  const supervisor = await connectSupervisor(containerRunDirectory(room.paths, record.id))
  const ended =
    supervisor === undefined
      ? watchProcesses(room, record, keep)
      : recordWhenEnded(room, record, { exit: supervisor.takeExit(), keep })
  ended.catch(() => {}) // awaited by `within`
  return {
    within: (timeoutMs) => within(ended, timeoutMs),
    signal: (signal) => sendSignal(record, supervisor, signal),
    [Symbol.dispose]: () => supervisor?.close(),
  }
}

async function within(ended: Promise<void>, timeoutMs: number): Promise<boolean> {
  if (timeoutMs < 0) {
    await ended
    return true
  }
  const abort = new AbortController()
  const late = sleep(timeoutMs, false, { signal: abort.signal }).catch(() => false)
  try {
    return await Promise.race([ended.then(() => true), late])
  } finally {
    abort.abort()
  }
}

async function recordWhenEnded(
  room: ContainerRoom,
  record: ContainerRecord,
  { exit, keep }: { readonly exit: Promise<ExitRecord>; readonly keep: boolean },
): Promise<void> {
  let ended: ExitRecord | undefined
  try {
    ended = await exit
  } catch {
    return watchProcesses(room, record, keep) // the supervisor was killed: what is left tells
  }
  await finishContainer(room, record, { exit: ended, keep })
}

/** Until whoever sees the end first has recorded it, which may be this. */
async function watchProcesses(room: ContainerRoom, record: ContainerRecord, keep: boolean): Promise<void> {
  for (;;) {
    const current = readRecord(room.database, record.id)
    const now = current && (await reconcile(room, current))
    if (now === undefined || !isActive(now.state) || now.supervisor?.pid !== record.supervisor?.pid) return
    // It is this process that stops it, so `reconcile` expects this process to record the end.
    if (!lives(now.process) && !lives(now.supervisor))
      return finishContainer(room, now, { exit: readExit(room, now), keep })
    await sleep(POLL_MS)
  }
}

function lives(identity: ProcessIdentity | undefined): boolean {
  return identity !== undefined && isAlive(identity)
}

async function sendSignal(
  { process: first }: ContainerRecord,
  supervisor: ConnectedSupervisor | undefined,
  signal: number,
): Promise<void> {
  if (supervisor !== undefined) {
    // A connection that breaks now belongs to a supervisor that has ended: so has the container.
    await supervisor.signal(signal).catch(() => {})
  } else if (first !== undefined && isAlive(first)) process.kill(first.pid, signal)
}

/** @throws {ContainerStuck} even SIGKILL does not end it */
export async function endByForce(ending: Ending, record: ContainerRecord, thaw: () => Promise<void>): Promise<void> {
  await ending.signal(SIGKILL)
  await thaw() // what is frozen does not even notice that it is killed
  if (await ending.within(KILL_TIMEOUT_MS)) return
  throw new ContainerStuck(record)
}
