/** What the supervisor's exit hook does. */
import { ContainerNotFound } from './errors.ts'
import { finishContainer } from './finish.ts'
import { readExit } from './reconcile.ts'
import { readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** Idempotent. @throws {ContainerNotFound} */
export async function recordExit(room: ContainerRoom, id: string): Promise<void> {
  const record = readRecord(room.database, id)
  if (record === undefined) throw new ContainerNotFound(id)
  await finishContainer(room, record, { exit: readExit(room, record) })
}
