/** What of the rules comes and goes with single containers: elements of sets and maps, changed by netlink. */
import type { FilterElements, HostStep } from '../../linux/plan.ts'
import { isSix, parseAddress } from '../cidr.ts'
import type { PublishedPort } from '../types.ts'
import { tableOf } from './table.ts'
import type { RuleEndpoint } from './types.ts'

type Element = FilterElements['elements'][number]

/** By its own addresses an endpoint may speak. */
export function endpointElements(networkId: string, endpoint: RuleEndpoint): readonly FilterElements[] {
  const { link, mac, ipv4, ipv6 } = endpoint
  const key = (address: string) => ({ key: Buffer.concat([nameBytes(link), padded(macBytes(mac)), bytesOf(address)]) })
  const in_ = (set: string, addresses: readonly string[]): FilterElements => ({
    family: 'bridge',
    table: tableOf(networkId),
    set,
    elements: addresses.map(key),
  })
  const own = ipv6 === undefined ? [] : [ipv6, linkLocal(mac)]
  return [
    ...(ipv4 === undefined ? [] : [in_('four', [ipv4])]),
    ...(ipv6 === undefined ? [] : [in_('six', [...own, '::']), in_('neighbours', own)]),
  ]
}

/** Packets to these ports of the host go to the container, and are known to be ours where the host's rules are asked. */
export function portElements(networkId: string, ports: readonly PublishedPort[]): readonly FilterElements[] {
  const to = { family: 'inet', table: tableOf(networkId) } as const
  const maps = [...Map.groupBy(ports, (port) => `${nameOf(port)}_${port.protocol}`)]
  const held = [...Map.groupBy(ports, (port) => `held_${nameOf(port)}`)]
  return [
    ...maps.map(([set, members]) => ({ ...to, set, elements: members.map(portElement) })),
    ...held.map(([set, members]) => ({ ...to, set, elements: members.map(heldElement) })),
  ]
}

export function additions(elements: readonly FilterElements[]): readonly HostStep[] {
  return elements.map((one) => ({ do: 'elements', ...one }))
}

export function removals(elements: readonly FilterElements[]): readonly HostStep[] {
  return elements.map((one) => ({ do: 'elements-delete', ...one }))
}

function nameOf(port: PublishedPort): string {
  return `${isAnywhere(port) ? 'any' : 'at'}${isSix(port.containerIp) ? '6' : ''}`
}

function isAnywhere({ hostIp }: PublishedPort): boolean {
  return hostIp === '' || hostIp === '0.0.0.0' || hostIp === '::'
}

function portElement(port: PublishedPort): Element {
  const { hostIp, hostPort, containerIp, containerPort } = port
  const to = padded(portBytes(hostPort))
  return {
    key: isAnywhere(port) ? portBytes(hostPort) : Buffer.concat([bytesOf(hostIp), to]),
    value: Buffer.concat([bytesOf(containerIp), padded(portBytes(containerPort))]),
  }
}

/** IPPROTO_* */
const PROTOCOL = { tcp: 6, udp: 17, sctp: 132 } as const

function heldElement(port: PublishedPort): Element {
  const { protocol, hostIp, hostPort } = port
  const at = isAnywhere(port) ? [] : [bytesOf(hostIp)]
  return { key: Buffer.concat([padded(Buffer.from([PROTOCOL[protocol]])), ...at, padded(portBytes(hostPort))]) }
}

/** IFNAMSIZ */
const NAME_SIZE = 16

function nameBytes(name: string): Buffer {
  const bytes = Buffer.alloc(NAME_SIZE)
  bytes.write(name)
  return bytes
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex')
}

/** What the kernel gives a link by itself (RFC 4291, appendix A). */
function linkLocal(mac: string): string {
  const bytes = macBytes(mac)
  bytes[0] = (bytes[0] ?? 0) ^ 0x02
  const id = Buffer.concat([bytes.subarray(0, 3), Buffer.from([0xff, 0xfe]), bytes.subarray(3)])
  return `fe80::${id.toString('hex').replace(/(.{4})(?=.)/g, '$1:')}`
}

function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff])
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes], Math.ceil(bytes.length / 4) * 4)
}

/** In the order of the network. */
function bytesOf(address: string): Buffer {
  const parsed = parseAddress(address)
  if (parsed === undefined) throw new TypeError(`${address} is no address`)
  return Buffer.from(parsed.value.toString(16).padStart(parsed.family === 4 ? 8 : 32, '0'), 'hex')
}
