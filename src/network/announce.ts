/** The names of a network's containers, as its resolvers read them. */
import { endpointsOf, readNetwork } from './records.ts'
import { DEFAULT_NETWORK } from './predefined.ts'
import type { NetworkRoom } from './room.ts'
import { writeNetworkNames } from './names/names.ts'

/** Written anew from the rows: in whatever order two commands write, the last one has seen both. */
export function announceNames(room: NetworkRoom, network: string): void {
  if (readNetwork(room.database, network)?.name === DEFAULT_NETWORK) return
  const entries = endpointsOf(room.database, { network }).map(({ names, ipv4, ipv6 }) => ({
    names: [...names],
    addresses: [ipv4, ipv6].filter((address) => address !== undefined),
  }))
  writeNetworkNames(room.paths.run, network, entries)
}
