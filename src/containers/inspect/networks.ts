/** `NetworkSettings` of docker's inspect. */

import { withPrefix } from '../../network/addresses.ts'
import { helperMode } from '../../network/helpers/choose.ts'
import { type HelperState, readHelperState } from '../../network/helpers/state.ts'
import { madeUpId } from '../../network/made-up-id.ts'
import { type EndpointRecord, endpointsOf, listNetworks, type NetworkRecord } from '../../network/records.ts'
import { containerRunDirectory } from '../../paths.ts'
import type { NetworkAttachment } from '../config.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'

const NOWHERE = {
  EndpointID: '',
  Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
}

type Described = Pick<ContainerRecord, 'id' | 'name' | 'settings'>

/** The addresses of a container that runs; of one that does not, what it is to be on. */
export function describeNetworks(
  room: Pick<ContainerRoom, 'database' | 'paths'>,
  record: Described,
  ports: object,
): object {
  const { id, settings } = record
  const { host, config } = settings
  const endpoints = endpointsOf(room.database, { container: id })
  const networks = listNetworks(room.database)
  const asked = host.Networks ?? []
  const described = asked.map((one) => [one.Name, describeAttachment(record, one, { endpoints, networks })] as const)
  const helper = helperMode(host.NetworkMode)?.name
  const state = helper === undefined ? undefined : readHelperState(containerRunDirectory(room.paths, id))
  const name = helper ?? host.NetworkMode
  const special = ['host', 'none', helper].includes(name)
    ? [[name, describeSpecial(madeUpId(room, name), config.MacAddress ?? '', state)] as const]
    : []
  const main = described[0]?.[0] === 'bridge' ? described[0][1] : undefined
  const { EndpointID, Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen, IPAddress, IPPrefixLen, IPv6Gateway } = {
    ...NOWHERE,
    ...main,
  }
  const running = endpoints.length > 0 || state !== undefined
  return {
    Bridge: '',
    SandboxID: id,
    SandboxKey: '',
    Ports: running ? ports : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID,
    Gateway,
    GlobalIPv6Address,
    GlobalIPv6PrefixLen,
    IPAddress,
    IPPrefixLen,
    IPv6Gateway,
    MacAddress: main?.MacAddress ?? (running ? '' : (config.MacAddress ?? '')),
    Networks: Object.fromEntries([...described, ...special]),
  }
}

/** @param state - of a helper that carries the traffic: no other container knows these addresses */
function describeSpecial(NetworkID: string, MacAddress: string, state?: HelperState): object {
  const { address = '', gateway = '', prefix = 0 } = state ?? {}
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    DriverOpts: null,
    NetworkID,
    ...NOWHERE,
    IPAddress: address,
    IPPrefixLen: address === '' ? 0 : prefix,
    Gateway: gateway,
    MacAddress,
    DNSNames: null,
  }
}

interface Known {
  readonly endpoints: readonly EndpointRecord[]
  readonly networks: readonly NetworkRecord[]
}

function describeAttachment({ settings }: Described, one: NetworkAttachment, { endpoints, networks }: Known) {
  const network = networks.find(({ name }) => name === one.Name)
  const endpoint = endpoints.find((other) => other.network === network?.id)
  const { IPv4Address, IPv6Address, Aliases } = one
  const fixed = {
    ...(IPv4Address !== '' && { IPv4Address }),
    ...(IPv6Address !== '' && { IPv6Address }),
  }
  return {
    IPAMConfig: Object.keys(fixed).length === 0 ? null : fixed,
    Links: settings.host.Links?.length ? settings.host.Links : null,
    Aliases: Aliases.length === 0 ? null : Aliases,
    DriverOpts: null,
    NetworkID: network?.id ?? '',
    MacAddress: endpoint?.mac ?? one.MacAddress,
    ...NOWHERE,
    ...(network !== undefined && endpoint !== undefined && describeEndpoint(endpoint, network)),
    DNSNames: endpoint === undefined || endpoint.names.length === 0 ? null : endpoint.names,
  }
}

function describeEndpoint({ id, ipv4, ipv6 }: EndpointRecord, { subnets, internal }: NetworkRecord) {
  const gateway = (six: boolean) =>
    (internal ? undefined : subnets.find(({ subnet }) => subnet.includes(':') === six)?.gateway) ?? ''
  const length = (address: string | undefined) => Number(withPrefix(address, subnets).split('/')[1] ?? 0)
  return {
    EndpointID: id,
    Gateway: ipv4 === undefined ? '' : gateway(false),
    IPAddress: ipv4 ?? '',
    IPPrefixLen: length(ipv4),
    IPv6Gateway: ipv6 === undefined ? '' : gateway(true),
    GlobalIPv6Address: ipv6 ?? '',
    GlobalIPv6PrefixLen: length(ipv6),
  }
}
