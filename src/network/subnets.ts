/** Which subnets a network gets: what the user names, checked, or the first of docker's pools that nobody uses. */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { InvalidArgument } from '../errors.ts'
import { randomHex } from '../util/random.ts'
import {
  type Block,
  bounds,
  contains,
  formatAddress,
  formatBlock,
  isWithin,
  overlaps,
  parseAddress,
  parseBlock,
} from './cidr.ts'
import { NoFreeSubnet, SubnetTaken } from './errors.ts'
import type { SubnetRecord } from './records.ts'

/** docker's: 172.17–31.0.0/16, then 192.168.0–240.0/20. */
export const POOLS: readonly Block[] = [
  ...Array.from({ length: 15 }, (_, index) => `172.${17 + index}.0.0/16`),
  ...Array.from({ length: 16 }, (_, index) => `192.168.${index * 16}.0/20`),
].map(known)

/** No host can have them. */
const RESERVED: readonly Block[] = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8'].map(
  known,
)

/** Data root of an ordinary installation; others begin elsewhere in the pools, so that they seldom meet. */
const USUAL_ROOT = '/var/lib/coracle'

/**
 * @param taken - blocks of other networks and of the host
 * @throws {NoFreeSubnet}
 */
export function chooseSubnet(taken: readonly Block[], root: string): SubnetRecord {
  const start = root === USUAL_ROOT ? 0 : hash(root) % POOLS.length
  const pools = [...POOLS.slice(start), ...POOLS.slice(0, start)]
  const found = pools.find((pool) => !taken.some((other) => overlaps(pool, other)))
  if (found === undefined) throw new NoFreeSubnet()
  return chosenSubnet(found)
}

/** FNV-1a: the same root begins at the same place. */
function hash(text: string): number {
  return Buffer.from(text).reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5)
}

/** A unique local block (RFC 4193) that nobody else is likely to have. */
export function chooseSubnet6(): SubnetRecord {
  const digits = randomHex(5)
  return chosenSubnet(known(`fd${digits.slice(0, 2)}:${digits.slice(2, 6)}:${digits.slice(6, 10)}::/64`))
}

function chosenSubnet(block: Block): SubnetRecord {
  return { subnet: formatBlock(block), gateway: firstHost(block), ipRange: undefined, auxiliary: {}, chosen: true }
}

export interface SubnetFlags {
  readonly subnets: readonly string[]
  readonly gateways: readonly string[]
  readonly ipRanges: readonly string[]
  /** `name=address` */
  readonly auxiliary: readonly string[]
}

/** The subnets that the user names, in the order of the flags. @throws {InvalidArgument} in docker's words */
export function parseSubnets({ subnets, gateways, ipRanges, auxiliary }: SubnetFlags): readonly SubnetRecord[] {
  const blocks = subnets.map((text) => {
    const block = parseBlock(text)
    if (block === undefined)
      throw new InvalidArgument(`invalid subnet ${text}: it is no CIDR block such as 10.1.0.0/16`)
    if (RESERVED.some((other) => overlaps(other, block)))
      throw new InvalidArgument(`invalid subnet ${text}: these addresses are for multicast, loopback or one link only`)
    if (bounds(block).last - block.base < 3n)
      throw new InvalidArgument(`invalid subnet ${text}: it has no room for a gateway and a container`)
    return block
  })
  refuseOverlaps(blocks)
  const gatewayOf = assign(gateways, blocks, 'gateway')
  const rangeOf = assignRanges(ipRanges, blocks)
  const reserved = auxiliary.map(parseAuxiliary)
  const aux = assign(
    reserved.map(([, address]) => address),
    blocks,
    'auxiliary address',
  )
  return blocks.map((block) => ({
    subnet: formatBlock(block),
    gateway: gatewayOf(block)[0] ?? firstHost(block),
    ipRange: rangeOf.get(block),
    auxiliary: Object.fromEntries(reserved.filter(([, address]) => aux(block).includes(address))),
    chosen: false,
  }))
}

function refuseOverlaps(blocks: readonly Block[]): void {
  for (const [index, block] of blocks.entries()) {
    const other = blocks.slice(0, index).find((earlier) => overlaps(earlier, block))
    if (other !== undefined)
      throw new InvalidArgument('multiple overlapping subnet configuration is not supported', {
        hint: `${formatBlock(other)} and ${formatBlock(block)} overlap`,
      })
  }
  const fours = blocks.filter(({ family }) => family === 4).length
  if (fours > 1 || blocks.length - fours > 1)
    throw new InvalidArgument('bridge driver doesn’t support multiple subnets of one family'.replace('’', "'"))
}

/** Each address goes to the subnet it is in; one that fits nowhere is an error. */
function assign(addresses: readonly string[], blocks: readonly Block[], what: string): (block: Block) => string[] {
  const placed = addresses.map((text) => {
    const address = parseAddress(text)
    if (address === undefined)
      throw new InvalidArgument(`invalid ${what} address: ${text}`.replace('address address', 'address'))
    const block = blocks.find((candidate) => contains(candidate, address))
    if (block === undefined) throw new InvalidArgument(`no matching subnet for ${what} ${text}`)
    const { first, last } = bounds(block)
    if (address.value === first || (block.family === 4 && address.value === last))
      throw new InvalidArgument(`${what} ${text} is the first or last address of ${formatBlock(block)}`)
    return { block, text: formatAddress(address) }
  })
  const of = (block: Block) => placed.filter((place) => place.block === block).map(({ text }) => text)
  if (what === 'gateway' && blocks.some((block) => of(block).length > 1))
    throw new InvalidArgument('cannot configure multiple gateways on the same subnet')
  return of
}

function assignRanges(texts: readonly string[], blocks: readonly Block[]): ReadonlyMap<Block, string> {
  const ranges = new Map<Block, string>()
  for (const text of texts) {
    const range = parseBlock(text)
    if (range === undefined) throw new InvalidArgument(`invalid ip-range ${text}`)
    const block = blocks.find((candidate) => isWithin(range, candidate))
    if (block === undefined) throw new InvalidArgument(`no matching subnet for range ${text}`)
    if (ranges.has(block)) throw new InvalidArgument('cannot configure multiple ranges on the same subnet')
    ranges.set(block, formatBlock(range))
  }
  return ranges
}

function parseAuxiliary(text: string): readonly [string, string] {
  const match = /^([^=]+)=(.+)$/.exec(text)
  if (match === null) throw new InvalidArgument(`invalid argument "${text}" for "--aux-address" flag: must be NAME=IP`)
  const address = parseAddress(match[2] ?? '')
  return [match[1] ?? '', address === undefined ? (match[2] ?? '') : formatAddress(address)]
}

/** @throws {SubnetTaken} */
export function refuseTaken(
  subnets: readonly SubnetRecord[],
  taken: readonly { readonly block: Block; readonly owner: string }[],
) {
  for (const { subnet } of subnets) {
    const other = taken.find(({ block }) => overlaps(block, known(subnet)))
    if (other !== undefined) throw new SubnetTaken(subnet, other.owner)
  }
}

function firstHost({ family, base }: Block): string {
  return formatAddress({ family, value: base + 1n })
}

/** Of our own making: it parses. */
export function known(text: string): Block {
  const block = parseBlock(text)
  if (block === undefined) throw new Error(`no block: ${text}`)
  return block
}

/**
 * What the host has itself: addresses of its interfaces and destinations of its routes, but the default one.
 *
 * @param but - an interface that does not count
 */
export function hostBlocks(but = ''): readonly Block[] {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => name !== but)
    .flatMap(([, list = []]) => list.map(({ cidr }) => cidr))
  const routes = readFileSync('/proc/net/route', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter(([name = ''], index) => name !== '' && name !== but && index >= 0)
    .map((fields) => routeBlock(fields[1] ?? '', fields[7] ?? ''))
  return [...addresses, ...routes].flatMap((text) => {
    const block = parseBlock(text ?? '')
    return block === undefined || block.prefix === 0 ? [] : [block]
  })
}

/** The kernel prints both in the byte order of the machine. */
function routeBlock(destination: string, mask: string): string {
  const bytes = Buffer.from(destination.padStart(8, '0'), 'hex').reverse()
  const bits = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length
  return `${[...bytes].join('.')}/${bits}`
}
