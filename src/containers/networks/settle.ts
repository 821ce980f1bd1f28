/** Which networks a new container is on: what was asked for, looked up; the usual one where nothing was. */

import { InvalidArgument } from '../../errors.ts'
import { isSix } from '../../network/cidr.ts'
import { BridgeNeedsRoot } from '../../network/errors.ts'
import { helperMode, refuseWithoutHelper } from '../../network/helpers/choose.ts'
import { DEFAULT_NETWORK, defaultNetwork } from '../../network/predefined.ts'
import { findNetwork } from '../../network/records.ts'
import type { HostConfig, NetworkAttachment } from '../config.ts'
import { isRootless } from '../host.ts'
import { nothingToLimit } from '../parse/network.ts'
import type { ContainerRoom } from '../room.ts'
import { hasNetRules } from '../spec/capabilities.ts'

/**
 * @throws {NetworkNotFound} @throws {InvalidArgument} addresses where docker allows none
 * @throws {BridgeNeedsRoot} @throws {HostUnsupported} an ordinary user wants ports and has no network here
 */
export async function settleNetworks(
  room: ContainerRoom,
  host: HostConfig,
  { backend, granted }: NetworkUse,
): Promise<HostConfig> {
  const { Networks: asked = [], NetworkMode } = host
  if (asked.length === 0) return settledAlone(host)
  const connected = backend === 'wasi' ? granted || wantsNetwork(host) : !UNCONNECTED.test(backend)
  const usual = connected ? (room.defaultNetwork?.() ?? 'none') : 'none'
  const named = asked.map((one) => ({ ...one, Name: one.Name === '' ? usual : one.Name }))
  const [only, ...others] = named
  if (only !== undefined && others.length === 0) {
    if (only.Name === 'none') return settledNone(host, backend)
    if (helperMode(only.Name) !== undefined) return settledHelper(host, only)
  }
  if (isRootless()) throw new BridgeNeedsRoot(NetworkMode)
  const Networks = named.map((one) => ({ ...one, Name: nameOf(room, one.Name) }))
  for (const one of Networks) checkAttachment(room, one)
  return { ...host, NetworkMode: Networks[0]?.Name ?? 'none', Networks }
}

export interface NetworkUse {
  readonly backend: string
  /** Of a WebAssembly container: it may use the network, whatever it is. */
  readonly granted: boolean
}

/** A module has a network where somebody says so. */
function wantsNetwork({ AllowNet, Publish = [], PublishAllPorts }: HostConfig): boolean {
  return AllowNet !== undefined || Publish.length > 0 || PublishAllPorts === true
}

/** It has a network stack of its own, which on many hosts takes over no other. */
const UNCONNECTED = /^oci:(?:.*\/)?runsc(?:[-_.].*)?$/

/** `host`, `container:NAME`, or a helper that was asked for by name. */
async function settledAlone(host: HostConfig): Promise<HostConfig> {
  const helper = helperMode(host.NetworkMode)
  if (helper === undefined) return host
  refuseForHelper(host)
  const { checkHelper } = await import('./join-helper.ts')
  checkHelper(helper)
  return host
}

/** A helper is the usual network here. */
function settledHelper(host: HostConfig, one: NetworkAttachment): HostConfig {
  if (one.IPv4Address !== '' || one.IPv6Address !== '' || one.Aliases.length > 0)
    throw new InvalidArgument(
      `addresses and aliases are for networks with a bridge, and this container is on ${one.Name}`,
    )
  refuseForHelper({ ...host, NetworkMode: one.Name })
  return { ...host, NetworkMode: one.Name, Networks: [] }
}

/** Rules, limits and names are those of bridges; nobody may believe to have them here. */
function refuseForHelper(host: HostConfig): void {
  const { Links = [], NetworkRate, NetworkMode } = host
  if (hasNetRules(host))
    throw new InvalidArgument(
      `conflicting options: ${host.AllowNet ? '--allow-net' : '--deny-net'} and network ${NetworkMode}`,
      {
        hint: 'the rules need a bridge: run it as root, or with --network none',
      },
    )
  if (NetworkRate !== undefined) throw nothingToLimit(NetworkMode)
  if (Links.length === 0) return
  throw new InvalidArgument('conflicting options: --link is for containers on the same bridge', {
    hint: 'publish a port of the other container, and reach it as host.containers.internal',
  })
}

function settledNone(host: HostConfig, backend: string): HostConfig {
  const { NetworkMode, Publish = [], PublishAllPorts = false } = host
  const wantsPorts = Publish.length > 0 || PublishAllPorts
  if (NetworkMode === '' && wantsPorts && (backend === 'linux' || backend === 'wasi') && isRootless())
    refuseWithoutHelper('publishing a port')
  if (host.NetworkRate !== undefined) throw nothingToLimit('none')
  return { ...host, NetworkMode: 'none', Networks: [] }
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
    address !== '' && !asked.some(({ subnet }) => isSix(subnet) === six)
  if (missing(one.IPv4Address, false) || missing(one.IPv6Address, true))
    throw new InvalidArgument(
      'invalid config for network: user specified IP address is supported only when connecting to networks with user configured subnets',
    )
}
