/** Brings a record up to date when the processes it speaks of are gone: after kill -9 of anything, or a reboot. */
import { type ExitRecord, readExitRecord } from '../linux/exit-record.ts'
import { containerDirectory, containerRunDirectory } from '../paths.ts'
import { isAlive, type ProcessIdentity } from '../util/process-identity.ts'
import { cleanUp, discardContainer, finishContainer } from './finish.ts'
import { holding } from './hold.ts'
import { isActive } from './lifecycle.ts'
import { readPidRecord } from './pid-record.ts'
import { advance, type ContainerRecord, changeRecord, readRecord } from './records.ts'
import { spawnRestarter } from './restart-policy.ts'
import type { ContainerRoom } from './room.ts'

/** @returns the record as it is now; undefined when the container is gone for good */
export async function reconcile(room: ContainerRoom, record: ContainerRecord): Promise<ContainerRecord | undefined> {
  if (!looksWrong(room, record)) return record
  await mend(room, record)
  return readRecord(room.database, record.id)
}

/** By the record and /proc alone, because `ps` asks it of every container. */
function looksWrong(room: ContainerRoom, record: ContainerRecord): boolean {
  const { state, autoRemove, owner } = record
  if (lives(owner)) return false
  if (state === 'created') return owner !== undefined && autoRemove
  if (state === 'exited') return autoRemove
  if (state === 'removing' || state === 'restarting') return true
  // In version 1 of control groups what is frozen does not end with its supervisor: the signal waits for the thaw.
  if (lives(record.process)) return state === 'stopping' || (state === 'paused' && !lives(record.supervisor))
  // A supervisor without its container is about to write the exit record, or has, and calls the hook.
  return readExit(room, record) !== undefined || !lives(record.supervisor)
}

async function mend(room: ContainerRoom, record: ContainerRecord): Promise<void> {
  const { state } = record
  // Whoever was at work on it died. Docker keeps such a container, unless it was to go away by itself.
  if (state === 'created' || state === 'exited' || state === 'removing') await discardContainer(room, record)
  else if (state === 'restarting') await restartSoon(room, record)
  else if (state === 'stopping' && lives(record.process)) runOn(room, record)
  else if (state === 'starting' && readExit(room, record) === undefined) await mendStarting(room, record)
  else await finishContainer(room, record, { exit: readExit(room, record) })
}

/** The stop was cut short, and the container has not ended: so it runs, and nobody is stopping it. */
function runOn({ database }: ContainerRoom, { id }: ContainerRecord): void {
  advance(database, id, { to: 'running', from: ['stopping'], owner: undefined, stoppedByUser: false })
}

/** Its restarter was killed: another one takes over, at once, because the pause may long be over. */
async function restartSoon(room: ContainerRoom, { id }: ContainerRecord): Promise<void> {
  await holding(room, id, async () => {
    const current = readRecord(room.database, id)
    if (current?.state !== 'restarting' || lives(current.owner)) return
    changeRecord(room.database, id, { owner: spawnRestarter(room, id, 0) })
  })
}

/** Whoever was starting it died: before or after the supervisor had taken over. */
async function mendStarting(room: ContainerRoom, { id }: ContainerRecord): Promise<void> {
  const discard = await holding(room, id, async () => {
    const record = readRecord(room.database, id)
    if (record?.state !== 'starting' || lives(record.owner)) return false
    const found = readPidRecord(containerRunDirectory(room.paths, id))
    if (found !== undefined && lives(found.supervisor)) {
      advance(room.database, id, { to: 'running', ...found, owner: undefined, startedAtMs: Date.now() })
      return false
    }
    await cleanUp(room, record, false)
    advance(room.database, id, { to: 'created', owner: undefined, error: 'the start was interrupted' })
    return record.autoRemove
  })
  if (discard) await discardContainer(room, { id })
}

export function readExit(room: ContainerRoom, record: Pick<ContainerRecord, 'id' | 'state'>): ExitRecord | undefined {
  return isActive(record.state) ? readExitRecord(containerDirectory(room.paths, record.id)) : undefined
}

function lives(identity: ProcessIdentity | undefined): boolean {
  return identity !== undefined && isAlive(identity)
}
