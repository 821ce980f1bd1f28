/** `wait`: until a container has ended, and how it did; before its end or after. */
import { connectSupervisor } from '../linux/supervisor-client.ts'
import { containerRunDirectory } from '../paths.ts'
import { findContainer } from './find.ts'
import { UNKNOWN_STATUS } from './finish.ts'
import { isActive } from './lifecycle.ts'
import { reconcile } from './reconcile.ts'
import { type ContainerRecord, readRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

const POLL_MS = 50

/** See `ContainerEngine.wait`. One that never ran counts as ended with 0, as docker sees it. */
export async function waitForContainer(room: ContainerRoom, name: string, signal?: AbortSignal): Promise<number> {
  const record = await findContainer(room, name)
  if (!isActive(record.state)) return record.exitStatus ?? 0
  return (await heard(room, record, signal)) ?? (await watched(room, record, signal))
}

/** The supervisor tells every connection; undefined when it cannot. */
async function heard(
  room: ContainerRoom,
  { id, state }: ContainerRecord,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  if (state === 'starting') return undefined
  const supervisor = await connectSupervisor(containerRunDirectory(room.paths, id))
  if (supervisor === undefined) return undefined
  const abort = () => supervisor.close()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const { status } = await supervisor.wait()
    return status
  } catch {
    signal?.throwIfAborted()
    return undefined // killed: the record will tell what can be known
  } finally {
    signal?.removeEventListener('abort', abort)
    supervisor.close()
  }
}

/** By the record. A container that is gone took its exit status along. */
async function watched(room: ContainerRoom, record: ContainerRecord, signal: AbortSignal | undefined): Promise<number> {
  const { setTimeout: sleep } = await import('node:timers/promises')
  for (;;) {
    const current = readRecord(room.database, record.id)
    const now = current && (await reconcile(room, current))
    if (now === undefined) return UNKNOWN_STATUS
    const another = record.supervisor !== undefined && now.supervisor?.pid !== record.supervisor.pid
    if (!isActive(now.state)) return now.exitStatus ?? UNKNOWN_STATUS
    if (another) return UNKNOWN_STATUS // ended and started again meanwhile
    await sleep(POLL_MS, undefined, { signal })
  }
}
