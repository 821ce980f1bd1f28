/** Networks whose links a plugin's driver makes. Addresses, routes and names are given as on any other network. */
import { CoracleError, InvalidArgument } from '../errors.ts'
import { encodeHostStep } from '../linux/encode-plan.ts'
import type { HostStep } from '../linux/plan.ts'
import { WireWriter } from '../linux/wire-writer.ts'
import type { NetworkDriver, PluginEndpoint, PluginNetwork } from '../plugins/drivers.ts'
import { PluginFailed } from '../plugins/npm/errors.ts'
import { transaction } from '../state/database.ts'
import { isOwnDriver } from './drivers.ts'
import { insertNetworkEvent } from './events.ts'
import { type EndpointRecord, endpointsOf, type NetworkRecord, readNetwork } from './records.ts'
import type { NetworkRoom } from './room.ts'
import type { Connected } from './types.ts'

type Room = Pick<NetworkRoom, 'paths'>

/** @throws {InvalidArgument} no plugin brings it */
export async function requireDriver({ paths }: Room, driver: string): Promise<void> {
  const { driverNames, hasDriver } = await import('../plugins/npm/drivers.ts')
  if (hasDriver(paths, 'networkDrivers', driver)) return
  const names = ['bridge', 'macvlan', 'ipvlan', ...driverNames(paths, 'networkDrivers')]
  throw new InvalidArgument(
    `could not find plugin ${driver.slice(0, 100)}: there are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`,
    { hint: 'leave --driver out' },
  )
}

/** Tells the driver. @throws {PluginFailed} it refuses the network */
export async function createForeign(room: Room, network: NetworkRecord): Promise<void> {
  if (isOwnDriver(network.driver)) return
  await (await openDriver(room, network)).create(described(network))
}

/**
 * Before its record goes; somebody who is on it keeps it.
 *
 * @throws {PluginFailed} and, when its plugin cannot be used any more, whatever is the reason
 */
export async function removeForeign(room: NetworkRoom, network: NetworkRecord): Promise<void> {
  if (isOwnDriver(network.driver) || endpointsOf(room.database, { network: network.id }).length > 0) return
  await (await openDriver(room, network)).remove(described(network))
}

/** The same for a network that shall go whatever its driver says, of which there is word in the events. */
export async function forgetForeign(room: NetworkRoom, network: NetworkRecord): Promise<void> {
  try {
    await removeForeign(room, network)
  } catch (error) {
    if (!(error instanceof CoracleError)) throw error
    const reason = error.message
    transaction(room.database, () => insertNetworkEvent(room.database, network, { action: 'remove_failed', reason }))
  }
}

/** With the steps by which the container gets its link. @throws {PluginFailed} */
export async function withLinks(room: Room, connected: readonly Connected[]): Promise<readonly Connected[]> {
  if (connected.every(({ network }) => isOwnDriver(network.driver))) return connected
  return Promise.all(
    connected.map(async (one) => {
      const { network, endpoint } = one
      if (isOwnDriver(network.driver)) return one
      const driver = await openDriver(room, network)
      const links = await driver.join(described(network), describedEndpoint(endpoint))
      return { ...one, links: checkedSteps(network.driver, links) }
    }),
  )
}

/** What a driver says against it is an event of the network: the container has left all the same. */
export async function leaveForeign(room: NetworkRoom, endpoint: EndpointRecord): Promise<void> {
  const network = readNetwork(room.database, endpoint.network)
  if (network === undefined || isOwnDriver(network.driver)) return
  try {
    await (await openDriver(room, network)).leave(described(network), describedEndpoint(endpoint))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    insertNetworkEvent(room.database, network, { action: 'leave_failed', container: endpoint.container, reason })
  }
}

async function openDriver({ paths }: Room, { driver }: NetworkRecord): Promise<NetworkDriver> {
  const { openNetworkDriver } = await import('../plugins/npm/drivers.ts')
  return openNetworkDriver(paths, driver)
}

function checkedSteps(driver: string, steps: readonly HostStep[]): readonly HostStep[] {
  try {
    for (const step of steps) encodeHostStep(new WireWriter(), step)
    return [...steps]
  } catch (cause) {
    throw new PluginFailed(`the network driver ${driver}`, 'there are steps in its answer that make no sense', {
      cause,
    })
  }
}

function described({ id, name, options, internal, subnets }: NetworkRecord): PluginNetwork {
  return { id, name, options, internal, subnets: subnets.map(({ subnet, gateway }) => ({ subnet, gateway })) }
}

function describedEndpoint({ id, container, interface: link, mac, ipv4, ipv6 }: EndpointRecord): PluginEndpoint {
  return {
    id,
    container,
    interface: link,
    mac,
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
  }
}
