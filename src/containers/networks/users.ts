/** Containers as users of networks: dead ones give their addresses back when somebody looks. */
import { leaveNetworks } from '../../network/release.ts'
import { isActive } from '../lifecycle.ts'
import { reconcile } from '../reconcile.ts'
import { readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'

/** What belongs to no container, or to one that has ended, is given back too. */
export async function settleContainers(room: ContainerRoom, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const record = readRecord(room.database, id)
    const current = record === undefined ? undefined : await reconcile(room, record)
    if (current === undefined || !isActive(current.state)) await leaveNetworks(room, id)
  }
}
