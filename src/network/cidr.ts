/** IP addresses and subnets as numbers: what allocation and overlap are decided on. */
import { isIP } from 'node:net'

export type Family = 4 | 6

export interface Address {
  readonly family: Family
  readonly value: bigint
}

/** A block of addresses; the bits of `base` behind the prefix are zero. */
export interface Block {
  readonly family: Family
  readonly base: bigint
  readonly prefix: number
}

const BITS = { 4: 32, 6: 128 } as const

/** Of an address, or of a block. */
export function isSix(text: string): boolean {
  return text.includes(':')
}

/** undefined for what is no address; zones (`%eth0`) are none. */
export function parseAddress(text: string): Address | undefined {
  const family = isIP(text)
  if (family === 4) return { family, value: parseFour(text) }
  if (family !== 6 || text.includes('%')) return undefined
  return { family, value: parseSix(text) }
}

function parseFour(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)
}

function parseSix(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const four = dotted === null ? undefined : parseFour(dotted[2] ?? '0.0.0.0')
  const plain =
    four === undefined ? text : `${dotted?.[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`
  const [left = '', right] = plain.split('::')
  const words = (half: string) => (half === '' ? [] : half.split(':'))
  const missing = 8 - words(left).length - words(right ?? '').length
  const all = right === undefined ? words(left) : [...words(left), ...Array(missing).fill('0'), ...words(right)]
  return all.reduce((value: bigint, word: string) => (value << 16n) | BigInt(`0x${word}`), 0n)
}

export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.')
  const words = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  const longest = words
    .join(':')
    .match(/(?:^|:)0(?::0)+(?=:|$)/g)
    ?.sort((one, other) => zeros(other) - zeros(one))[0]
  if (longest === undefined) return words.join(':')
  const [before = '', ...after] = words.join(':').split(longest)
  return `${before}::${after.join(longest).replace(/^:/, '')}`
}

function zeros(run: string): number {
  return run.split('0').length
}

/** `172.18.0.0/16`, the host bits dropped as docker does. undefined for what is none. */
export function parseBlock(text: string): Block | undefined {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text)
  const address = parseAddress(match?.[1] ?? '')
  const prefix = Number(match?.[2])
  if (address === undefined || prefix > BITS[address.family]) return undefined
  const { family, value } = address
  const host = BigInt(BITS[family] - prefix)
  return { family, base: (value >> host) << host, prefix }
}

export function formatBlock({ family, base, prefix }: Block): string {
  return `${formatAddress({ family, value: base })}/${prefix}`
}

/** First and last address, both of the block. */
export function bounds({ family, base, prefix }: Block): { readonly first: bigint; readonly last: bigint } {
  return { first: base, last: base + (1n << BigInt(BITS[family] - prefix)) - 1n }
}

export function contains(block: Block, { family, value }: Address): boolean {
  const { first, last } = bounds(block)
  return family === block.family && value >= first && value <= last
}

export function overlaps(one: Block, other: Block): boolean {
  if (one.family !== other.family) return false
  const [a, b] = [bounds(one), bounds(other)]
  return a.first <= b.last && b.first <= a.last
}

export function isWithin(inner: Block, outer: Block): boolean {
  const [a, b] = [bounds(inner), bounds(outer)]
  return inner.family === outer.family && a.first >= b.first && a.last <= b.last
}
