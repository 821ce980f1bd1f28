/** The end of a container: recorded once, whoever sees it first, then cleaned up after, and removed for `--rm`. */
import type { ExitRecord } from '../linux/supervisor.ts'
import type { ContainerId } from '../plugins/contract.ts'
import { removeDirectories, removeRunDirectory } from './directories.ts'
import { ContainerNotFound, StateConflict } from './errors.ts'
import { advance, type ContainerRecord, deleteRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** An end that nobody saw. Never taken for success. */
export const UNKNOWN_STATUS = -1

/** Idempotent; of several at once one records the end, and all of them leave nothing behind. */
export async function finishContainer(
  room: ContainerRoom,
  record: Pick<ContainerRecord, 'id' | 'backend' | 'autoRemove'>,
  exit: ExitRecord | undefined,
): Promise<void> {
  ignoringRivals(() =>
    advance(room.database, record.id, {
      to: 'exited',
      process: undefined,
      supervisor: undefined,
      owner: undefined,
      exitStatus: exit?.status ?? UNKNOWN_STATUS,
      oomKilled: exit?.oomKilled ?? false,
      finishedAtMs: exit === undefined ? Date.now() : Number(exit.finishedAtNs / 1_000_000n),
    }),
  )
  await cleanUp(room, record)
  if (record.autoRemove) await discardContainer(room, record)
}

/** Removes what a stopped container's processes may have left: control groups, sockets. Idempotent. */
export async function cleanUp(
  room: ContainerRoom,
  { id, backend }: Pick<ContainerRecord, 'id' | 'backend'>,
): Promise<void> {
  const opened = await room.openBackend(backend)
  await opened.destroy(id as ContainerId)
  removeRunDirectory(room.paths, id)
}

/** A stopped container with all its files and its record. The record goes last, so that a cut leaves a trace to follow. */
export async function discardContainer(room: ContainerRoom, { id }: Pick<ContainerRecord, 'id'>): Promise<void> {
  ignoringRivals(() => advance(room.database, id, { to: 'removing' }))
  await removeDirectories(room.paths, id)
  deleteRecord(room.database, id)
}

/** Somebody else has taken the same step: what comes after it is idempotent. */
function ignoringRivals(step: () => void): void {
  try {
    step()
  } catch (error) {
    if (!(error instanceof StateConflict) && !(error instanceof ContainerNotFound)) throw error
  }
}
