/** Addresses as components have them, in numbers, and as the host has them, in words. */
import { isIPv4, isIPv6 } from 'node:net'
import type { Endpoint } from '../../sockets/protocol.ts'
import { Failure } from '../failure.ts'

export type Family = 'ipv4' | 'ipv6'

export type IpAddress =
  | { readonly tag: 'ipv4'; readonly val: readonly number[] }
  | { readonly tag: 'ipv6'; readonly val: readonly number[] }

interface Ipv4Socket {
  readonly port: number
  readonly address: readonly number[]
}

export type SocketAddress =
  | { readonly tag: 'ipv4'; readonly val: Ipv4Socket }
  | { readonly tag: 'ipv6'; readonly val: Ipv4Socket & { readonly flowInfo: number; readonly scopeId: number } }

/** What a socket of `family` may be bound to: one address, or all. @throws {Failure} invalid-argument */
export function localEndpoint({ tag, val }: SocketAddress, family: Family): Endpoint {
  const { address } = val
  if (tag !== family || isMulticast(tag, address) || isMapped(tag, address)) throw new Failure('invalid-argument')
  return { address: textOf(tag, address), port: val.port }
}

/** Whom it may speak to. @throws {Failure} invalid-argument */
export function remoteEndpoint({ tag, val }: SocketAddress, family: Family): Endpoint {
  const { address, port } = val
  const nowhere = address.every((part) => part === 0) || port === 0
  if (tag !== family || nowhere || isMapped(tag, address)) throw new Failure('invalid-argument')
  return { address: textOf(tag, address), port }
}

/** The same of a connection, which is with one alone. @throws {Failure} invalid-argument */
export function peerEndpoint(address: SocketAddress, family: Family): Endpoint {
  if (isMulticast(address.tag, address.val.address)) throw new Failure('invalid-argument')
  return remoteEndpoint(address, family)
}

export function socketAddress({ address, port }: Endpoint): SocketAddress {
  const { tag, val } = ipAddress(address) ?? { tag: 'ipv4', val: [0, 0, 0, 0] }
  if (tag === 'ipv4') return { tag, val: { port, address: val } }
  return { tag, val: { port, flowInfo: 0, address: val, scopeId: 0 } }
}

/** @returns nothing for what is none, or is one of IPv4 in the dress of IPv6 */
export function ipAddress(text: string): IpAddress | undefined {
  const [plain = ''] = text.split('%', 1)
  if (isIPv4(plain)) return { tag: 'ipv4', val: plain.split('.').map(Number) }
  if (!isIPv6(plain)) return undefined
  const val = ipv6Groups(plain)
  return isMapped('ipv6', val) ? undefined : { tag: 'ipv6', val }
}

const GROUPS = 8

function ipv6Groups(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  if (dotted !== null) {
    const [, head = '', ...bytes] = dotted
    const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
    return ipv6Groups(`${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`)
  }
  const [head = [], tail = []] = text.split('::').map((half) => (half === '' ? [] : half.split(':').map(fromHex)))
  if (!text.includes('::')) return head
  return [...head, ...Array.from({ length: GROUPS - head.length - tail.length }, () => 0), ...tail]
}

const fromHex = (text: string): number => Number.parseInt(text, 16)

function textOf(tag: Family, address: readonly number[]): string {
  return tag === 'ipv4' ? address.join('.') : address.map((group) => group.toString(16)).join(':')
}

/** `::ffff:1.2.3.4`, and the older `::1.2.3.4`: WASI has addresses of IPv4 for that. */
function isMapped(tag: Family, address: readonly number[]): boolean {
  if (tag !== 'ipv6' || !address.slice(0, 5).every((group) => group === 0)) return false
  const [marker = 0, high = 0, low = 0] = address.slice(5)
  return marker === 0xffff || (marker === 0 && (high !== 0 || low > 1))
}

/** Broadcast as well. */
function isMulticast(tag: Family, address: readonly number[]): boolean {
  const [first = 0] = address
  if (tag === 'ipv6') return first >= 0xff00
  return (first >= 224 && first < 240) || address.every((part) => part === 255)
}
