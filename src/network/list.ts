/** `network ls`: the rows, and the three networks that are always there. */
import { parseNetworkFilters } from './filters.ts'
import { madeUpId } from './made-up-id.ts'
import { defaultNetwork } from './predefined.ts'
import { endpointsOf, listNetworks, type NetworkRecord } from './records.ts'
import type { NetworkRoom } from './room.ts'
import type { NetworkSummary, NetworkUsers } from './types.ts'

/** See `NetworkEngine.list`. In the order of their names. */
export async function summarizeNetworks(
  room: NetworkRoom,
  users: NetworkUsers,
  filters: readonly string[],
): Promise<readonly NetworkSummary[]> {
  const named = users.named()
  const isUsed = ({ id, name }: NetworkSummary) =>
    named.has(name) || endpointsOf(room.database, { network: id }).length > 0
  const matches = parseNetworkFilters(filters, { isUsed })
  defaultNetwork(room)
  return [...listNetworks(room.database).map(summaryOf), ...madeUp(room)]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .filter(matches)
}

export function summaryOf({ id, name, driver, createdAtMs, internal, ipv6, labels }: NetworkRecord): NetworkSummary {
  return { id, name, driver, createdAtMs, internal, ipv6, labels }
}

/** Of the host itself, and of nothing at all. */
export function madeUp(room: NetworkRoom): readonly NetworkSummary[] {
  return ['host', 'none'].map((name) => ({
    id: madeUpId(room, name),
    name,
    driver: name === 'none' ? 'null' : name,
    createdAtMs: 0,
    internal: false,
    ipv6: false,
    labels: {},
  }))
}
