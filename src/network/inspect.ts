/** `network inspect`: docker's document. */
import { withPrefix } from './addresses.ts'
import { NetworkNotFound } from './errors.ts'
import { madeUp } from './list.ts'
import { DEFAULT_NETWORK, defaultNetwork } from './predefined.ts'
import { type EndpointRecord, endpointsOf, findNetwork, type NetworkRecord, type SubnetRecord } from './records.ts'
import type { NetworkRoom } from './room.ts'
import type { NetworkInspect, NetworkSummary, NetworkUsers } from './types.ts'

/** See `NetworkEngine.inspect`. */
export async function inspectNetwork(room: NetworkRoom, users: NetworkUsers, name: string): Promise<NetworkInspect> {
  if (name === DEFAULT_NETWORK) defaultNetwork(room)
  const network = findAny(room, name)
  if (!('subnets' in network)) return describe(network, { subnets: [], options: {}, attachable: false }, [])
  await users.settle(endpointsOf(room.database, { network: network.id }).map(({ container }) => container))
  const endpoints = endpointsOf(room.database, { network: network.id })
  return describe(network, network, endpoints)
}

/** Those made up are found by the start of their ids as well. */
function findAny(room: NetworkRoom, name: string): NetworkRecord | NetworkSummary {
  const special = madeUp(room)
  const exact = special.find((one) => one.name === name || one.id === name)
  if (exact !== undefined) return exact
  try {
    return findNetwork(room.database, name)
  } catch (error) {
    const [found] = special.filter(({ id }) => name !== '' && id.startsWith(name))
    if (!(error instanceof NetworkNotFound) || found === undefined) throw error
    return found
  }
}

function describe(
  { id, name, driver, createdAtMs, internal, ipv6, labels }: NetworkSummary,
  { subnets, options, attachable }: Pick<NetworkRecord, 'subnets' | 'options' | 'attachable'>,
  endpoints: readonly EndpointRecord[],
): NetworkInspect {
  return {
    Name: name,
    Id: id,
    Created: new Date(createdAtMs).toISOString(),
    Scope: 'local',
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: ipv6,
    IPAM: { Driver: 'default', Options: null, Config: subnets.map(describeSubnet) },
    Internal: internal,
    Attachable: attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(endpoints.map((endpoint) => [endpoint.container, describeUser(endpoint, subnets)])),
    Options: options,
    Labels: labels,
  }
}

function describeSubnet({ subnet, gateway, ipRange, auxiliary }: SubnetRecord): object {
  return {
    Subnet: subnet,
    ...(ipRange !== undefined && { IPRange: ipRange }),
    Gateway: gateway,
    ...(Object.keys(auxiliary).length > 0 && { AuxiliaryAddresses: auxiliary }),
  }
}

function describeUser(
  { id, containerName, mac, ipv4, ipv6 }: EndpointRecord,
  subnets: readonly SubnetRecord[],
): object {
  return {
    Name: containerName,
    EndpointID: id,
    MacAddress: mac,
    IPv4Address: withPrefix(ipv4, subnets),
    IPv6Address: withPrefix(ipv6, subnets),
  }
}
