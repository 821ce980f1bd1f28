/** `bridge`, `host` and `none`: always there. The rows of `host` and `none` are made up; that of `bridge` comes with its first use. */
import { transaction } from '../state/database.ts'
import { insertNetwork, listNetworks, type NetworkRecord, readNetwork } from './records.ts'
import type { NetworkRoom } from './room.ts'
import { chooseSubnet, hostBlocks, known } from './subnets.ts'

export const DEFAULT_NETWORK = 'bridge'
export const PREDEFINED: readonly string[] = [DEFAULT_NETWORK, 'host', 'none']

/** The default network, with a subnet that is free now when it is used for the first time. @throws {NoFreeSubnet} */
export function defaultNetwork(room: NetworkRoom): NetworkRecord {
  const { database } = room
  const find = () => listNetworks(database).find(({ name }) => name === DEFAULT_NETWORK)
  const found = find()
  if (found !== undefined) return found
  return transaction(database, () => {
    const rival = find()
    if (rival !== undefined) return rival
    const taken = [
      ...hostBlocks(),
      ...listNetworks(database).flatMap(({ subnets }) => subnets.map(({ subnet }) => known(subnet))),
    ]
    const id = insertNetwork(database, {
      name: DEFAULT_NETWORK,
      driver: 'bridge',
      internal: false,
      attachable: false,
      ipv6: false,
      labels: {},
      options: DEFAULT_OPTIONS,
      subnets: [chooseSubnet(taken, room.paths.root)],
    })
    const made = readNetwork(database, id)
    if (made === undefined) throw new Error('the default network is not in the database')
    return made
  })
}

/** As docker shows them. */
const DEFAULT_OPTIONS = {
  'com.docker.network.bridge.default_bridge': 'true',
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
  'com.docker.network.driver.mtu': '1500',
}
