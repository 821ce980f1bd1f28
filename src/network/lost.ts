/** Networks of a data root that has been removed while they lingered: known by the mark on their rules. */
import { removeLinks } from '../linux/wire.ts'
import { bridgeOf } from './link-names.ts'
import { linksOn } from './links-on.ts'
import { ownerOf } from './owner.ts'
import type { NetworkRoom } from './room.ts'
import { networkTables, removeTables, tableOwner } from './rules/rules.ts'

/** Those with containers on them stay. Idempotent. */
export async function takeDownLost(room: Pick<NetworkRoom, 'paths'>): Promise<void> {
  const owner = ownerOf(room)
  for (const name of (await networkTables()).keys()) {
    const bridge = bridgeOf(name.slice('coracle-'.length))
    if (linksOn(bridge).length > 0 || (await tableOwner(name)) !== owner) continue
    await removeTables([name])
    await removeLinks([bridge])
  }
}
