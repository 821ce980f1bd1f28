/** The end of a container: recorded once, whoever sees it first, then cleaned up after, and removed for `--rm`. */
import type { ExitRecord } from '../linux/exit-record.ts'
import type { ContainerId } from '../plugins/contract.ts'
import { removeDirectories, removeRunDirectory } from './directories.ts'
import { ContainerNotFound, StateConflict } from './errors.ts'
import { destroyGroups } from './host.ts'
import { advance, type ContainerRecord, deleteRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import { cgroupsPath } from './spec/runtime-spec.ts'

/** An end that nobody saw. Never taken for success. */
export const UNKNOWN_STATUS = -1

/** Idempotent; of several at once one records the end, and all of them leave nothing behind. */
export async function finishContainer(
  room: ContainerRoom,
  record: Remains & Pick<ContainerRecord, 'autoRemove'>,
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
  await cleanUp(room, record, exit !== undefined)
  if (record.autoRemove) await discardContainer(room, record)
}

type Remains = Pick<ContainerRecord, 'id' | 'backend' | 'settings'>

/**
 * Removes what a container's processes may have left: control groups, sockets. Idempotent.
 *
 * @param supervised - the supervisor lived to the end, and has removed the groups
 */
export async function cleanUp(room: ContainerRoom, remains: Remains, supervised: boolean): Promise<void> {
  const { id, backend, settings } = remains
  const opened = await room.openBackend(backend)
  await opened.destroy(id as ContainerId)
  if (!supervised) await destroyGroups(cgroupsPath(id, settings.host.CgroupParent))
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
