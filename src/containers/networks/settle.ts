/** Which networks a new container is on: what was asked for, looked up; the usual one where nothing was. */
import { HostUnsupported, InvalidArgument } from '../../errors.ts'
import { DEFAULT_NETWORK, defaultNetwork } from '../../network/predefined.ts'
import { findNetwork } from '../../network/records.ts'
import type { HostConfig, NetworkAttachment } from '../config.ts'
import { isRootless } from '../host.ts'
import { nothingToLimit } from '../parse/network.ts'
import type { ContainerRoom } from '../room.ts'

/**
 * @throws {NetworkNotFound} @throws {InvalidArgument} addresses where docker allows none
 * @throws {HostUnsupported} an ordinary user's container cannot be on a bridge
 */
export function settleNetworks(room: ContainerRoom, host: HostConfig, backend: string): HostConfig {
  const { Networks: asked = [], NetworkMode } = host
  if (asked.length === 0) return host
  const usual = backend !== 'linux' ? 'none' : (room.defaultNetwork?.() ?? 'none')
  const named = asked.map((one) => ({ ...one, Name: one.Name === '' ? usual : one.Name }))
  if (named.length === 1 && named[0]?.Name === 'none') {
    if (host.NetworkRate !== undefined) throw nothingToLimit('none')
    return { ...host, NetworkMode: 'none', Networks: [] }
  }
  refuseBackends(backend, NetworkMode)
  const Networks = named.map((one) => ({ ...one, Name: nameOf(room, one.Name) }))
  for (const one of Networks) checkAttachment(room, one)
  return { ...host, NetworkMode: Networks[0]?.Name ?? 'none', Networks }
}

function refuseBackends(backend: string, mode: string): void {
  if (backend === 'wasi')
    throw new InvalidArgument(`a WebAssembly container cannot be connected to network ${mode}`, {
      hint: 'leave --network out',
    })
  if (backend !== 'linux')
    throw new InvalidArgument(`the backend ${backend} cannot connect a container to network ${mode}`, {
      hint: 'leave --runtime out, or run it with --network host or --network none',
    })
  if (isRootless())
    throw new HostUnsupported(`network ${mode} needs a bridge, which only root can make`, {
      hint: 'run it as root, or with --network host or --network none',
    })
}

/** Of the network itself: an id, or the start of one, may have been typed. */
function nameOf(room: ContainerRoom, typed: string): string {
  return typed === DEFAULT_NETWORK ? defaultNetwork(room).name : findNetwork(room.database, typed).name
}

export function checkAttachment(room: ContainerRoom, one: NetworkAttachment): void {
  if (one.Name === DEFAULT_NETWORK && one.Aliases.length > 0)
    throw new InvalidArgument('network-scoped alias is supported only for containers in user defined networks')
  if (one.IPv4Address === '' && one.IPv6Address === '') return
  if (one.Name === DEFAULT_NETWORK)
    throw new InvalidArgument('user specified IP address is supported on user defined networks only')
  const asked = findNetwork(room.database, one.Name).subnets.filter(({ chosen }) => !chosen)
  const missing = (address: string, six: boolean) =>
    address !== '' && !asked.some(({ subnet }) => subnet.includes(':') === six)
  if (missing(one.IPv4Address, false) || missing(one.IPv6Address, true))
    throw new InvalidArgument(
      'invalid config for network: user specified IP address is supported only when connecting to networks with user configured subnets',
    )
}
