/** The end of a container's run, for its networks: everything it had of them is given back. Idempotent. */
import { transaction } from '../state/database.ts'
import { insertNetworkEvent } from './events.ts'
import { leaveForeign } from './foreign.ts'
import { keepWatch, markIdle } from './linger.ts'
import { publishNames } from './publish-names.ts'
import { deleteEndpoint, type EndpointRecord, endpointsOf, readNetwork } from './records.ts'
import type { NetworkRoom } from './room.ts'

/** Of all its networks. */
export async function leaveNetworks(room: NetworkRoom, container: string): Promise<void> {
  await leave(room, endpointsOf(room.database, { container }))
}

/** Rules and links first, rows last: whoever is cut short leaves a trace to follow. */
export async function leave(room: NetworkRoom, endpoints: readonly EndpointRecord[]): Promise<void> {
  if (endpoints.length > 0) {
    const { removeKernelEndpoints } = await import('./kernel.ts')
    await removeKernelEndpoints(endpoints)
    for (const endpoint of endpoints) await leaveForeign(room, endpoint)
    transaction(room.database, () => {
      for (const endpoint of endpoints) forget(room, endpoint)
      for (const { network } of endpoints) markIdle(room.database, network)
    })
    const named = endpoints.filter(({ names }) => names.length > 0)
    await publishNames(
      room,
      named.map(({ network }) => network),
    )
  }
  await keepWatch(room)
}

function forget({ database }: NetworkRoom, { id, network, container }: EndpointRecord): void {
  const row = readNetwork(database, network)
  if (row !== undefined) insertNetworkEvent(database, row, { action: 'disconnect', container })
  deleteEndpoint(database, id)
}
