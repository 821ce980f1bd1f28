/** Brings a record up to date when the processes it speaks of are gone: after kill -9 of anything, or a reboot. */
import { type ExitRecord, readExitRecord } from '../linux/exit-record.ts'
import { containerDirectory, containerRunDirectory } from '../paths.ts'
import { isAlive, type ProcessIdentity } from '../util/process-identity.ts'
import { cleanUp, discardContainer, finishContainer } from './finish.ts'
import { isActive } from './lifecycle.ts'
import { readPidRecord } from './pid-record.ts'
import { advance, type ContainerRecord, readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** @returns the record as it is now; undefined when the container is gone for good */
export async function reconcile(room: ContainerRoom, record: ContainerRecord): Promise<ContainerRecord | undefined> {
  if (!(await mend(room, record))) return record
  return readRecord(room.database, record.id)
}

/** @returns whether anything was wrong */
async function mend(room: ContainerRoom, record: ContainerRecord): Promise<boolean> {
  const { state } = record
  if (state === 'exited' || lives(record.owner)) return false
  if (state === 'created') return mendCreated(room, record)
  if (state === 'removing') {
    await discardContainer(room, record)
    return true
  }
  if (lives(record.process)) return false
  const exit = readExit(room, record)
  if (exit === undefined && lives(record.supervisor)) return false // it is about to write the exit record
  if (state === 'starting' && exit === undefined) return mendStarting(room, record)
  await finishContainer(room, record, exit)
  return true
}

/** Whoever was creating it died. Docker keeps such a container, unless it was to go away by itself. */
async function mendCreated(room: ContainerRoom, record: ContainerRecord): Promise<boolean> {
  if (record.owner === undefined || !record.autoRemove) return false
  await discardContainer(room, record)
  return true
}

/** Whoever was starting it died: before or after the supervisor had taken over. */
async function mendStarting(room: ContainerRoom, record: ContainerRecord): Promise<boolean> {
  const found = readPidRecord(containerRunDirectory(room.paths, record.id))
  if (found !== undefined && lives(found.supervisor)) {
    advance(room.database, record.id, { to: 'running', ...found, owner: undefined, startedAtMs: Date.now() })
    return true
  }
  await cleanUp(room, record, false)
  advance(room.database, record.id, { to: 'created', owner: undefined, error: 'the start was interrupted' })
  if (record.autoRemove) await discardContainer(room, record)
  return true
}

export function readExit(room: ContainerRoom, record: Pick<ContainerRecord, 'id' | 'state'>): ExitRecord | undefined {
  return isActive(record.state) ? readExitRecord(containerDirectory(room.paths, record.id)) : undefined
}

function lives(identity: ProcessIdentity | undefined): boolean {
  return identity !== undefined && isAlive(identity)
}
