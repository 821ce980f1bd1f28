/**
 * A network that its last container has left keeps its bridge and rules for a moment: making and removing them costs
 * more than all the rest of a short run. One small process for the whole installation waits for that moment to pass.
 */

import { callBack } from '../linux/call-back.ts'
import type { callLater as CallLater } from '../linux/call-later.ts'
import { type Database, transaction } from '../state/database.ts'
import { isAlive } from '../util/process-identity.ts'
import { isLive, takeDown } from './live.ts'
import { endpointsOf, listNetworks } from './records.ts'
import type { NetworkRoom } from './room.ts'

const LINGER_MS = 2000

/** Within a write transaction: from now on, if nobody is on it. */
export function markIdle(database: Database, id: string): void {
  if (endpointsOf(database, { network: id }).length > 0) return
  database.prepare('UPDATE networks SET idle_since = ? WHERE id = ?').run(Date.now(), id)
}

/** Sees to it that somebody waits when there is something to wait for. */
export async function keepWatch(room: NetworkRoom): Promise<void> {
  const { database } = room
  const due = nextDue(database)
  if (due === undefined || hasKeeper(database)) return
  const { callLater } = await import('../linux/call-later.ts')
  transaction(database, () => {
    if (!hasKeeper(database)) appoint(room, { dueMs: due, callLater })
  })
}

function hasKeeper(database: Database): boolean {
  const keeper = database.prepare('SELECT pid, start_time FROM network_keeper').get() as KeeperRow | undefined
  return keeper !== undefined && isAlive({ pid: keeper.pid, startTime: keeper.start_time })
}

interface KeeperRow {
  readonly pid: number
  readonly start_time: number
}

/** What the keeper does when it wakes up: takes down what is due, and has another one wait for what is not. */
export async function takeDownIdle(room: NetworkRoom): Promise<void> {
  const { database } = room
  const now = Date.now()
  for (const { id, dueMs } of lingering(database)) if (dueMs <= now) await takeDown(room, id)
  const { callLater } = await import('../linux/call-later.ts')
  transaction(database, () => {
    const due = nextDue(database)
    if (due === undefined) database.exec('DELETE FROM network_keeper')
    else appoint(room, { dueMs: due, callLater })
  })
}

interface Lingering {
  readonly id: string
  readonly dueMs: number
}

/** Also what somebody was cut short over. */
function lingering(database: Database): readonly Lingering[] {
  return listNetworks(database)
    .filter(({ id, liveBoot }) => liveBoot !== undefined && endpointsOf(database, { network: id }).length === 0)
    .map((network) => ({ id: network.id, dueMs: isLive(network) ? (network.idleSinceMs ?? 0) + LINGER_MS : 0 }))
}

function nextDue(database: Database): number | undefined {
  const [first, ...others] = lingering(database).map(({ dueMs }) => dueMs)
  return first === undefined ? undefined : Math.min(first, ...others)
}

/** Within a write transaction. A process of some 400 KB, until it becomes `coracle internal networks`. */
function appoint(
  { database, paths }: NetworkRoom,
  { dueMs, callLater }: { readonly dueMs: number; readonly callLater: typeof CallLater },
): void {
  const waitMs = Math.min(Math.max(0, dueMs - Date.now()), LINGER_MS)
  const identity = callLater(callBack(paths, ['networks']), waitMs)
  if (identity === undefined) return // whoever leaves a network next tries again
  database
    .prepare('INSERT OR REPLACE INTO network_keeper (one, pid, start_time) VALUES (1, ?, ?)')
    .run(identity.pid, identity.startTime)
}
