/** A container comes to its networks: addresses are leased, rules made, and the steps decided that wire it up. */
import { InvalidArgument } from '../errors.ts'
import type { ChildStep, HostStep } from '../linux/plan.ts'
import type { NetworkSteps } from '../plugins/contract.ts'
import { transaction } from '../state/database.ts'
import { randomHex } from '../util/random.ts'
import { fixedAddress, freeAddress, macOf, withPrefix } from './addresses.ts'
import { isSix, overlaps } from './cidr.ts'
import { hasGateway, isBridged, sublinkStep } from './drivers.ts'
import { AlreadyConnected, PortTaken } from './errors.ts'
import { insertNetworkEvent } from './events.ts'
import { withLinks } from './foreign.ts'
import { needForwarding } from './forwarding.ts'
import { bridgeOf, groupOf, linkOf } from './link-names.ts'
import { bringUp, isLive } from './live.ts'
import { mtuOf } from './options.ts'
import { clashes } from './ports/place.ts'
import { DEFAULT_NETWORK, defaultNetwork } from './predefined.ts'
import { publishNames } from './publish-names.ts'
import { type NetworkRate, rateSteps } from './rate.ts'
import {
  type EndpointRecord,
  endpointsOf,
  findNetwork,
  insertEndpoint,
  insertSubnets,
  leasedAddresses,
  listNetworks,
  type NetworkRecord,
  readNetwork,
} from './records.ts'
import type { NetworkRoom } from './room.ts'
import { additions, endpointElements } from './rules/elements.ts'
import { chooseSubnet, hostBlocks, known } from './subnets.ts'
import type { Connected, ConnectionRequest, PublishedPort } from './types.ts'

export interface Joining {
  readonly id: string
  readonly name: string
}

/**
 * Leases an address in each network, in one transaction: all or none. Then makes what of the networks is not in the
 * kernel yet.
 *
 * @throws {NetworkNotFound} @throws {NoFreeAddress} @throws {AddressInUse} @throws {AlreadyConnected}
 */
export async function joinNetworks(
  room: NetworkRoom,
  container: Joining,
  requests: readonly ConnectionRequest[],
): Promise<readonly Connected[]> {
  const { database } = room
  for (const { network } of requests) if (network === DEFAULT_NETWORK) defaultNetwork(room)
  const leased = transaction(database, () => requests.map((request) => lease(room, container, request)))
  const connected = await withLinks(room, leased)
  // Between two of them the host may still be on its way from one to none.
  const bridged = connected.filter(isBridged)
  if (bridged.length > 0)
    needForwarding(database, { ipv6: bridged.some(({ endpoint }) => endpoint.ipv6 !== undefined) })
  for (const { network } of bridged) if (!isLive(network)) await bringUp(room, network.id)
  await publishNames(room, namedNetworks(connected))
  return connected
}

/** The default network has no names, as docker has it. */
function namedNetworks(connected: readonly Connected[]): readonly string[] {
  return connected.filter(({ endpoint }) => endpoint.names.length > 0).map(({ network }) => network.id)
}

function lease(room: NetworkRoom, container: Joining, request: ConnectionRequest): Connected {
  const { database } = room
  const network = settledNetwork(room, findNetwork(database, request.network))
  const known = endpointsOf(database, { container: container.id })
  if (known.some((endpoint) => endpoint.network === network.id))
    throw new AlreadyConnected(container.name, network.name)
  const leased = leasedAddresses(database, network.id)
  const id = randomHex(32)
  const four = network.subnets.find(({ subnet }) => !isSix(subnet))
  const six = network.subnets.find(({ subnet }) => isSix(subnet))
  if (request.ipv6 !== undefined && six === undefined)
    throw new InvalidArgument(`network ${network.name} has no subnet of IP version 6`, { hint: 'make one with --ipv6' })
  const ipv4 =
    four &&
    (request.ipv4 === undefined ? freeAddress(four, leased, network.name) : fixedAddress(request.ipv4, four, leased))
  const ipv6 =
    six &&
    (request.ipv6 === undefined ? freeAddress(six, leased, network.name) : fixedAddress(request.ipv6, six, leased))
  const endpoint: EndpointRecord = {
    id,
    network: network.id,
    container: container.id,
    containerName: container.name,
    interface: firstFree(known.map((other) => other.interface)),
    mac: macFor(network, request, macOf(ipv4, id)),
    ipv4,
    ipv6,
    names: [...new Set(request.names)],
    ports: [],
  }
  insertEndpoint(database, endpoint)
  insertNetworkEvent(database, network, { action: 'connect', container: container.id })
  return { network, endpoint }
}

/** An ipvlan has the address of its parent. */
function macFor({ name, driver }: NetworkRecord, { mac }: ConnectionRequest, usual: string): string {
  if (driver !== 'ipvlan') return mac ?? usual
  if (mac === undefined) return ''
  throw new InvalidArgument(`a container on ${name} cannot have a MAC address of its own: ipvlan shares its parent's`)
}

function firstFree(taken: readonly string[]): string {
  for (let index = 0; ; index += 1) if (!taken.includes(`eth${index}`)) return `eth${index}`
}

/** A subnet that we chose gives way when the host has come to use it meanwhile, as long as nobody is on the network. */
function settledNetwork(room: NetworkRoom, network: NetworkRecord): NetworkRecord {
  const { database } = room
  const [subnet] = network.subnets
  if (isLive(network) || subnet?.chosen !== true || endpointsOf(database, { network: network.id }).length > 0)
    return network
  const taken = hostBlocks(bridgeOf(network.id))
  if (!taken.some((block) => overlaps(block, known(subnet.subnet)))) return network
  const others = listNetworks(database).filter(({ id }) => id !== network.id)
  const blocks = [...taken, ...others.flatMap((other) => other.subnets.map((one) => known(one.subnet)))]
  database.prepare('DELETE FROM subnets WHERE network = ? AND subnet = ?').run(network.id, subnet.subnet)
  insertSubnets(database, network.id, [chooseSubnet(blocks, room.paths.root)])
  return readNetwork(database, network.id) ?? network
}

interface Wiring {
  /** It has a default route already. */
  readonly routed?: boolean
  readonly rate?: NetworkRate | undefined
}

/** How the kernel comes to show it; the first network that leads out has the default route. */
export function wiringSteps(connected: readonly Connected[], { routed = false, rate }: Wiring = {}): NetworkSteps {
  const way = routed ? undefined : connected.find(({ network }) => !network.internal)
  return {
    before: connected.filter(isBridged).map(bridgeStep),
    after: [
      ...connected.flatMap((one) =>
        isBridged(one) ? [...allowSteps(one), vethStep(one)] : (one.links ?? [sublinkStep(one)]),
      ),
      ...(rate === undefined ? [] : rateSteps(connected, rate)),
    ],
    child: connected.flatMap((one) => childSteps(one, one === way)),
  }
}

function bridgeStep({ network }: Connected): HostStep {
  const mtu = mtuOf(network.options)
  return {
    do: 'bridge',
    name: bridgeOf(network.id),
    addresses: network.subnets.map(({ gateway, subnet }) => withPrefix(gateway, [{ subnet }])),
    ...(mtu !== undefined && { mtu }),
  }
}

function vethStep({ network, endpoint }: Connected): HostStep {
  const mtu = mtuOf(network.options)
  return {
    do: 'veth',
    host: linkOf(endpoint.id),
    container: endpoint.interface,
    bridge: bridgeOf(network.id),
    mac: endpoint.mac,
    ...(mtu !== undefined && { mtu }),
    group: groupOf(network.id),
  }
}

/** Before the link is there: until then nobody may speak over it. */
function allowSteps({ network, endpoint }: Connected): readonly HostStep[] {
  return additions(endpointElements(network.id, { ...endpoint, link: linkOf(endpoint.id) }))
}

function childSteps({ network, endpoint }: Connected, leadsOut: boolean): ChildStep[] {
  const { interface: link, ipv4, ipv6 } = endpoint
  const addresses = [ipv4, ipv6].filter((address) => address !== undefined)
  return [
    ...addresses.map((address): ChildStep => ({ do: 'address', link, address: withPrefix(address, network.subnets) })),
    { do: 'link-up', link },
    ...(leadsOut ? routeSteps({ network, endpoint }) : []),
  ]
}

/** The way out is by this network. */
export function routeSteps({ network, endpoint: { interface: link, ipv4, ipv6 } }: Connected): readonly ChildStep[] {
  const gatewayOf = (address: string) => network.subnets.find(({ subnet }) => isSix(subnet) === isSix(address))?.gateway
  return [ipv4, ipv6].flatMap((address): ChildStep[] => {
    const gateway = address === undefined ? undefined : gatewayOf(address)
    if (address === undefined || gateway === undefined) return []
    if (hasGateway(network)) return [{ do: 'route', destination: 'default', gateway, link }]
    return [{ do: 'route', destination: isSix(address) ? '::/0' : '0.0.0.0/0', link }]
  })
}

/**
 * Ports are known only now that the address is. Stored before they lead anywhere, so that whoever cleans up knows them.
 *
 * @throws {PortTaken} by another container; nothing is stored then
 */
export function storePorts({ database }: NetworkRoom, { endpoint }: Connected, ports: readonly PublishedPort[]): void {
  transaction(database, () => {
    const others = endpointsOf(database, {}).filter(({ id, ports: theirs }) => theirs.length > 0 && id !== endpoint.id)
    for (const port of ports) {
      const rival = others.find((other) => other.ports.some((one) => clashes(one, port)))
      if (rival !== undefined) throw new PortTaken(port, rival.containerName)
    }
    database.prepare('UPDATE endpoints SET ports = ? WHERE id = ?').run(JSON.stringify(ports), endpoint.id)
  })
}
