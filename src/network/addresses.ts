/** Leases: which address of a network an endpoint gets. Within the transaction that stores it, so never two alike. */
import { InvalidArgument } from '../errors.ts'
import { bounds, contains, formatAddress, isSix, parseAddress } from './cidr.ts'
import { AddressInUse, NoFreeAddress } from './errors.ts'
import type { SubnetRecord } from './records.ts'
import { known } from './subnets.ts'

/**
 * The lowest free address of the range. Neither gateway nor auxiliary addresses, nor the first and last of the subnet.
 *
 * @throws {NoFreeAddress}
 */
export function freeAddress(subnet: SubnetRecord, leased: ReadonlySet<string>, network: string): string {
  const block = known(subnet.subnet)
  const { family } = block
  const range = bounds(subnet.ipRange === undefined ? block : known(subnet.ipRange))
  const whole = bounds(block)
  const refused = new Set([subnet.gateway, ...Object.values(subnet.auxiliary)])
  for (let value = range.first; value <= range.last; value += 1n) {
    if (value === whole.first || (family === 4 && value === whole.last)) continue
    const text = formatAddress({ family, value })
    if (!refused.has(text) && !leased.has(text)) return text
  }
  throw new NoFreeAddress(network, subnet.ipRange ?? subnet.subnet)
}

/**
 * What the user asks for, in its usual form. An address outside the range is allowed, as docker allows it.
 *
 * @throws {InvalidArgument} it is in no subnet of the network @throws {AddressInUse}
 */
export function fixedAddress(text: string, subnet: SubnetRecord | undefined, leased: ReadonlySet<string>): string {
  const address = parseAddress(text)
  const block = subnet === undefined ? undefined : known(subnet.subnet)
  if (address === undefined || block === undefined || subnet === undefined || !contains(block, address))
    throw new InvalidArgument(`invalid address ${text}: It does not belong to any of this network's subnets`)
  const { first, last } = bounds(block)
  const plain = formatAddress(address)
  if (address.value === first || (block.family === 4 && address.value === last))
    throw new InvalidArgument(`invalid address ${text}: it is the first or last one of ${subnet.subnet}`)
  if (plain === subnet.gateway || Object.values(subnet.auxiliary).includes(plain) || leased.has(plain))
    throw new AddressInUse(plain)
  return plain
}

/** docker's: 02:42 and the four bytes of the address, so that nobody's cache is wrong when the address moves on. */
export function macOf(ipv4: string | undefined, endpointId: string): string {
  const address = ipv4 === undefined ? undefined : parseAddress(ipv4)
  const digits = address === undefined ? endpointId.slice(0, 8) : address.value.toString(16).padStart(8, '0')
  return `02:42:${(digits.match(/../g) ?? []).join(':')}`
}

/** `172.17.0.2/16`; empty without an address. */
export function withPrefix(address: string | undefined, subnets: readonly Pick<SubnetRecord, 'subnet'>[]): string {
  if (address === undefined) return ''
  const six = isSix(address)
  const prefix = subnets.find(({ subnet }) => isSix(subnet) === six)?.subnet.split('/')[1]
  return `${address}/${prefix ?? (six ? '64' : '32')}`
}
