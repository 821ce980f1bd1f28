/** What the restarter does in the end. A file of its own: `restart-policy.ts` is part of every start. */
import { type ContainerRecord, readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { startRecord } from './start-again.ts'

/** Nothing when the container is no longer its own. */
export async function restartDue(room: ContainerRoom, id: string): Promise<void> {
  const record = readRecord(room.database, id)
  if (record?.state !== 'restarting' || !isOurs(record)) return
  const supervisor = await startRecord(room, record, { byUser: false })
  supervisor.release()
}

function isOurs({ owner }: ContainerRecord): boolean {
  return owner?.pid === process.pid
}
