/** The end of a container: cleaned up after, recorded once, whoever sees it first; then restarted or, for `--rm`, removed. */
import type { ExitRecord } from '../linux/exit-record.ts'
import { helperMode } from '../network/helpers/choose.ts'
import { containerRunDirectory } from '../paths.ts'
import type { ContainerId } from '../plugins/contract.ts'
import { transaction } from '../state/database.ts'
import { thisProcess } from '../state/lock.ts'
import { isAlive, type ProcessIdentity } from '../util/process-identity.ts'
import { anonymousVolumes, forgetUnused } from './anonymous-volumes.ts'
import { removeDirectories, removeRunDirectory } from './directories.ts'
import { ContainerNotFound, StateConflict } from './errors.ts'
import { holding } from './hold.ts'
import { destroyGroups } from './host.ts'
import { isActive } from './lifecycle.ts'
import { unmountForeign } from './plugin-volumes.ts'
import { advance, type ContainerRecord, deleteRecord, type RecordChanges, readRecord } from './records.ts'
import { nextRestart, spawnRestarter } from './restart-policy.ts'
import type { ContainerRoom } from './room.ts'
import { cgroupsPath } from './spec/runtime-spec.ts'
import { tellOfVolumes } from './volumes.ts'

/** An end that nobody saw. Never taken for success. */
export const UNKNOWN_STATUS = -1

export interface FinishOptions {
  /** Neither restart nor remove it: the caller is about to start it again. */
  readonly keep?: boolean
}

/** One run of a container: the next one has another supervisor. */
export type Run = Pick<ContainerRecord, 'id' | 'supervisor'>

/**
 * Idempotent; of several at once one records the end, and when this returns nothing of the run is left. The record
 * changes last: whoever is cut short before leaves a container that looks as if it ran, and is found to have ended.
 */
export async function finishContainer(
  room: ContainerRoom,
  run: Run,
  { exit, keep = false }: FinishOptions & { readonly exit: ExitRecord | undefined },
): Promise<void> {
  const discard = await holding(room, run.id, async () => {
    const record = readRecord(room.database, run.id)
    if (record === undefined) return false
    if (isActive(record.state)) {
      if (!sameProcess(record.supervisor, run.supervisor)) return false // it has been started again
      await cleanUp(room, record, exit !== undefined)
      if (exit?.error !== undefined && record.state === 'starting') recordGivenUp(room, record, exit)
      else {
        recordEnd(room, record, { exit, keep })
        tellOfVolumes(room, record.id, 'unmount')
      }
    } else if (record.state !== 'exited' || isOwned(record)) return false
    return record.autoRemove && !keep
  })
  if (discard) await discardContainer(room, run)
}

/** Somebody who lives is making it, or about to start it again. */
export function isOwned({ owner }: ContainerRecord): boolean {
  return owner !== undefined && isAlive(owner)
}

function sameProcess(one: ProcessIdentity | undefined, other: ProcessIdentity | undefined): boolean {
  return one?.pid === other?.pid && one?.startTime === other?.startTime
}

function recordEnd(
  room: ContainerRoom,
  record: ContainerRecord,
  { exit, keep }: { exit: ExitRecord | undefined; keep: boolean },
): void {
  const finishedAtMs = exit === undefined ? Date.now() : Number(exit.finishedAtNs / 1_000_000n)
  const changes = {
    process: undefined,
    supervisor: undefined,
    owner: keep ? thisProcess() : undefined,
    exitStatus: exit?.status ?? UNKNOWN_STATUS,
    oomKilled: exit?.oomKilled ?? false,
    finishedAtMs,
  }
  const restart = keep ? undefined : nextRestart(endOf(record, changes))
  ignoringRivals(() => {
    if (restart === undefined) advance(room.database, record.id, { to: 'exited', ...changes })
    else recordRestart(room, record, { ...changes, restartCount: restart.count, restartDelayMs: restart.delayMs })
  })
}

/** Whoever was starting it died before its program ran, so this is a start that failed and no end. */
function recordGivenUp({ database }: ContainerRoom, { id }: ContainerRecord, { status, error }: ExitRecord): void {
  ignoringRivals(() => advance(database, id, { to: 'created', owner: undefined, exitStatus: status, error }))
}

function endOf(record: ContainerRecord, { exitStatus, finishedAtMs }: { exitStatus: number; finishedAtMs: number }) {
  const { stoppedByUser, restartCount, restartDelayMs, startedAtMs = finishedAtMs, settings } = record
  const policy = settings.host.RestartPolicy
  return { policy, stoppedByUser, restartCount, restartDelayMs, ranMs: finishedAtMs - startedAtMs, exitStatus }
}

/** The restarter first: one whose record was never written does nothing. */
function recordRestart(
  room: ContainerRoom,
  { id }: ContainerRecord,
  changes: RecordChanges & { readonly restartDelayMs: number },
): void {
  const owner = spawnRestarter(room, id, changes.restartDelayMs)
  advance(room.database, id, { to: 'restarting', ...changes, owner })
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
  if ((settings.host.Networks ?? []).length > 0) await leaveAll(room, id)
  if (!supervised && helperMode(settings.host.NetworkMode) !== undefined) await endHelper(room, id)
  await unmountForeign(room, id)
  removeRunDirectory(room.paths, id)
}

async function leaveAll(room: ContainerRoom, id: string): Promise<void> {
  const { leaveNetworks } = await import('../network/release.ts')
  await leaveNetworks(room, id)
}

async function endHelper({ paths }: ContainerRoom, id: string): Promise<void> {
  const helpers = await import('../network/helpers/state.ts')
  await helpers.endHelper(containerRunDirectory(paths, id))
}

export interface DiscardOptions {
  /** Its anonymous volumes as well, as those of a container that goes by itself. */
  readonly volumes?: boolean
}

/** A stopped container with all its files and its record. The record goes last, so that a cut leaves a trace to follow. */
export async function discardContainer(
  room: ContainerRoom,
  { id }: Pick<ContainerRecord, 'id'>,
  { volumes = false }: DiscardOptions = {},
): Promise<void> {
  // On record with it, because whoever goes on after a cut must know what is to go as well.
  ignoringRivals(() => advance(room.database, id, { to: 'removing', ...(volumes && { autoRemove: true }) }))
  const record = readRecord(room.database, id)
  if (record?.state !== 'removing') return // started again, or gone
  await removeDirectories(room.paths, id)
  const withVolumes = volumes || record.autoRemove
  const left = transaction(room.database, () => {
    const orphans = withVolumes ? anonymousVolumes(room, id) : []
    deleteRecord(room.database, id)
    return forgetUnused(room, orphans)
  })
  if (left) await (await import('../volumes/leftovers.ts')).removeLeftFiles(room)
}

/** Somebody else has taken the same step: what comes after it is idempotent. */
function ignoringRivals(step: () => void): void {
  try {
    step()
  } catch (error) {
    if (!(error instanceof StateConflict) && !(error instanceof ContainerNotFound)) throw error
  }
}
