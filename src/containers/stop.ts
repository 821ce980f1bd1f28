/** `stop`: the container's stop signal, time to obey it, then SIGKILL. */
import { setTimeout as sleep } from 'node:timers/promises'
import { thisProcess } from '../state/lock.ts'
import { howToStop } from './deadline.ts'
import { endByForce, openEnding } from './ending.ts'
import { StateConflict } from './errors.ts'
import { logContainerEvent } from './events.ts'
import { findContainer, openRecord } from './find.ts'
import { isActive } from './lifecycle.ts'
import { parseSignal } from './parse/signals.ts'
import { advance, type ContainerRecord } from './records.ts'
import { stopRestarter } from './restart-policy.ts'
import type { ContainerRoom } from './room.ts'
import type { StopOptions } from './types.ts'

const POLL_MS = 20

/** See `ContainerEngine.stop`. */
export async function stopContainer(room: ContainerRoom, name: string, options: StopOptions): Promise<void> {
  const record = await findContainer(room, name)
  const signal = options.signal === undefined ? undefined : parseSignal(options.signal)
  await stopRecord(room, record, { ...options, signal, keep: false })
}

export interface StopRecordOptions {
  readonly timeoutSeconds?: number | undefined
  readonly signal: number | undefined
  /** Neither removed (`--rm`) nor restarted: it is about to be started again by this process. */
  readonly keep: boolean
}

/** @returns whether there was anything to stop */
export async function stopRecord(
  room: ContainerRoom,
  found: ContainerRecord,
  options: StopRecordOptions,
): Promise<boolean> {
  const record = await markStopping(room, found)
  if (record === undefined) return false
  const { config } = record.settings
  using ending = await openEnding(room, record, options)
  const { signal: usual, graceSeconds } = howToStop(config)
  const signal = options.signal ?? usual
  logContainerEvent(room.database, record.id, 'kill', { signal: String(signal) })
  const thaw = record.state === 'paused' ? () => thawRecord(room, record) : async () => {}
  await ending.signal(signal)
  await thaw() // what is frozen could not obey
  const seconds = options.timeoutSeconds ?? graceSeconds
  if (!(await ending.within(seconds < 0 ? -1 : seconds * 1000))) {
    logContainerEvent(room.database, record.id, 'kill', { signal: '9' })
    await endByForce(ending, record, thaw)
  }
  logContainerEvent(room.database, record.id, 'stop')
  return true
}

/**
 * From now on no policy brings it back. Several may stop it at once: each sends its signal, and waits for the same end.
 *
 * @returns the record as it was before; undefined when it does not run
 */
async function markStopping(room: ContainerRoom, found: ContainerRecord): Promise<ContainerRecord | undefined> {
  for (let record = found; ; ) {
    if (record.state === 'stopping') return record
    try {
      if (record.state === 'restarting') {
        stopRestarter(record)
        const status = record.exitStatus
        advance(room.database, record.id, { to: 'exited', owner: undefined, exitStatus: status, stoppedByUser: true })
        return undefined
      }
      if (!isActive(record.state)) return undefined
      if (record.state !== 'starting') {
        advance(room.database, record.id, { to: 'stopping', owner: thisProcess(), stoppedByUser: true })
        return record
      }
    } catch (error) {
      if (!(error instanceof StateConflict)) throw error
    }
    await sleep(POLL_MS) // it is being started, or somebody else was faster
    record = await findContainer(room, record.id)
  }
}

export async function thawRecord(room: ContainerRoom, record: ContainerRecord): Promise<void> {
  const { backend, container } = await openRecord(room, record)
  await backend.resume(container)
}
