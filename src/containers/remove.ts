/** `rm`: a stopped container, or with force any. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../util/process-identity.ts'
import { ContainerNotFound, ContainerRunning } from './errors.ts'
import { discardContainer, finishContainer } from './finish.ts'
import { isActive } from './lifecycle.ts'
import { reconcile } from './reconcile.ts'
import { type ContainerRecord, findRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

const KILL_TIMEOUT_MS = 10_000
const POLL_MS = 5

export async function removeContainer(room: ContainerRoom, name: string, force: boolean): Promise<void> {
  let record = await reconcile(room, findRecord(room.database, name))
  if (record === undefined) throw new ContainerNotFound(name)
  if (isActive(record.state)) {
    if (!force) throw new ContainerRunning(record.name, record.state)
    record = await killContainer(room, record)
  }
  if (record !== undefined) await discardContainer(room, record)
}

/** Kills the first process, and with it all others of its pid namespace, and waits until the end is recorded. */
async function killContainer(room: ContainerRoom, started: ContainerRecord): Promise<ContainerRecord | undefined> {
  const deadline = Date.now() + KILL_TIMEOUT_MS
  let record: ContainerRecord | undefined = started
  while (record !== undefined && isActive(record.state)) {
    const { process: first, supervisor } = record
    if (first !== undefined && isAlive(first)) process.kill(first.pid, 'SIGKILL')
    if (Date.now() > deadline) {
      if (supervisor !== undefined && isAlive(supervisor)) process.kill(supervisor.pid, 'SIGKILL')
      await finishContainer(room, { ...record, autoRemove: false }, undefined)
    }
    await sleep(POLL_MS)
    record = await reconcile(room, findOrUndefined(room, record.id) ?? record)
  }
  return record
}

function findOrUndefined(room: ContainerRoom, id: string): ContainerRecord | undefined {
  try {
    return findRecord(room.database, id)
  } catch (error) {
    if (error instanceof ContainerNotFound) return undefined
    throw error
  }
}
