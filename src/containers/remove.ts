/** `rm`: a stopped container, or with force any. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ContainerNotFound, ContainerNotRunning, ContainerRunning } from './errors.ts'
import { findContainer } from './find.ts'
import { discardContainer, isOwned } from './finish.ts'
import { killRecord } from './kill.ts'
import { isActive } from './lifecycle.ts'
import { type ContainerRecord, changeRecord, readRecord } from './records.ts'
import { stopRestarter } from './restart-policy.ts'
import type { ContainerRoom } from './room.ts'

const POLL_MS = 5

export interface RemoveOptions {
  readonly force?: boolean
  /** Its anonymous volumes as well. */
  readonly volumes?: boolean
}

/** See `ContainerEngine.remove`. Without force one that waits for its restart counts as running. */
export async function removeContainer(room: ContainerRoom, name: string, options: RemoveOptions): Promise<void> {
  const { force = false, volumes = false } = options
  const { id } = await findContainer(room, name)
  for (;;) {
    const record = await stillThere(room, id)
    if (record === undefined) return
    if (record.state === 'created' && isOwned(record)) {
      await sleep(POLL_MS) // what is still being made must not lose its files under the maker's hands
    } else if (!isActive(record.state) && record.state !== 'restarting') {
      await discardContainer(room, record, { volumes })
      if (readRecord(room.database, id) === undefined) return
    } else if (force) await end(room, record, volumes)
    else throw new ContainerRunning(record.name, record.state)
  }
}

async function stillThere(room: ContainerRoom, id: string): Promise<ContainerRecord | undefined> {
  try {
    return await findContainer(room, id)
  } catch (error) {
    if (error instanceof ContainerNotFound) return undefined
    throw error
  }
}

async function end(room: ContainerRoom, record: ContainerRecord, volumes: boolean): Promise<void> {
  if (record.state === 'starting') return void (await sleep(POLL_MS))
  if (record.state === 'restarting') {
    stopRestarter(record)
    await discardContainer(room, record, { volumes })
    return
  }
  try {
    changeRecord(room.database, record.id, { stoppedByUser: true })
    await killRecord(room, record)
  } catch (error) {
    // Ended or gone between two looks: the next one tells.
    if (!(error instanceof ContainerNotFound) && !(error instanceof ContainerNotRunning)) throw error
  }
}
