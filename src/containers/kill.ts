/** `kill`: a signal to the container's first process, SIGKILL when none is named. */
import { endByForce, openEnding } from './ending.ts'
import { logContainerEvent } from './events.ts'
import { findRunning } from './find.ts'
import { parseSignal } from './parse/signals.ts'
import { type ContainerRecord, changeRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { thawRecord } from './stop.ts'

const SIGKILL = 9

/** See `ContainerEngine.kill`. Returns, for SIGKILL, when the end is recorded. */
export async function killContainer(room: ContainerRoom, name: string, signal = 'SIGKILL'): Promise<void> {
  const number = parseSignal(signal)
  const record = await findRunning(room, name)
  const stop = parseSignal(record.settings.config.StopSignal ?? 'SIGTERM')
  // What a user ends stays ended, whatever the restart policy.
  if (number === SIGKILL || number === stop) changeRecord(room.database, record.id, { stoppedByUser: true })
  logContainerEvent(room.database, record.id, 'kill', { signal: String(number) })
  if (number === SIGKILL) await killRecord(room, record)
  else {
    using ending = await openEnding(room, record, { keep: false })
    await ending.signal(number)
  }
}

/** SIGKILL, and all of its processes with it; the end is recorded when this returns. */
export async function killRecord(room: ContainerRoom, record: ContainerRecord): Promise<void> {
  using ending = await openEnding(room, record, { keep: false })
  await endByForce(ending, record, record.state === 'paused' ? () => thawRecord(room, record) : async () => {})
}
