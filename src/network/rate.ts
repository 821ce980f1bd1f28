/** `--network-rate`: how much a container may send and receive over each of its links, in the units of tc. */
import { InvalidArgument } from '../errors.ts'
import type { HostStep } from '../linux/plan.ts'
import { isBridged } from './drivers.ts'
import { linkOf, shaperOf } from './link-names.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'

/** Bits a second; 0: as many as it likes. */
export interface NetworkRate {
  /** What it sends. */
  readonly EgressBits: number
  /** What it receives. */
  readonly IngressBits: number
}

/** As tc has them: `bit` and its multiples are bits a second, `bps` and its multiples bytes a second. */
const PREFIXES = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40 } as const
const RATE = /^(\d{1,15}(?:\.\d{1,9})?)(?:([kmgt]i?)?(bit|bps))?$/i

/** Below it a single packet would wait for minutes. */
const LEAST_BITS = 8_000
const MOST_BITS = 1e12

const UNLIMITED: NetworkRate = { EgressBits: 0, IngressBits: 0 }

/**
 * `10mbit` both ways, `egress=10mbit,ingress=1gbit` for each (without limit where it is not named), `none` or 0.
 *
 * @returns undefined for no limit at all
 * @throws {InvalidArgument}
 */
export function parseNetworkRate(text: string): NetworkRate | undefined {
  const rate = text.includes('=') ? parseEach(text) : both(parseBits(text, text))
  return rate.EgressBits === 0 && rate.IngressBits === 0 ? undefined : rate
}

function both(bits: number): NetworkRate {
  return { EgressBits: bits, IngressBits: bits }
}

function parseEach(text: string): NetworkRate {
  const bits = new Map<string, number>()
  for (const part of text.split(',')) {
    const [key = '', value = '', ...rest] = part.split('=')
    const direction = key.trim().toLowerCase()
    if (!['egress', 'ingress'].includes(direction) || rest.length > 0 || bits.has(direction)) throw bad(text)
    bits.set(direction, parseBits(value.trim(), text))
  }
  return { EgressBits: bits.get('egress') ?? 0, IngressBits: bits.get('ingress') ?? 0 }
}

function parseBits(text: string, whole: string): number {
  if (text.toLowerCase() === 'none') return 0
  const match = RATE.exec(text)
  if (match === null) throw bad(whole)
  const [, digits = '', prefix = '', unit = 'bit'] = match
  const factor = PREFIXES[prefix.toLowerCase() as keyof typeof PREFIXES] * (unit.toLowerCase() === 'bps' ? 8 : 1)
  const bits = Math.round(Number(digits) * factor)
  if (bits === 0 && Number(digits) === 0) return 0
  if (bits < LEAST_BITS || bits > MOST_BITS)
    throw new InvalidArgument(`invalid network rate: ${text}`, { hint: 'from 8kbit to 1tbit, or none' })
  return bits
}

function bad(text: string): InvalidArgument {
  return new InvalidArgument(`invalid network rate: ${JSON.stringify(text.slice(0, 100))}`, {
    hint: 'such as 10mbit, 500kbps (bytes), egress=10mbit,ingress=1gbit, or none',
  })
}

/** What `parseNetworkRate` takes. */
export function formatNetworkRate({ EgressBits, IngressBits }: NetworkRate): string {
  if (EgressBits === IngressBits) return bitsText(EgressBits)
  return `egress=${bitsText(EgressBits)},ingress=${bitsText(IngressBits)}`
}

function bitsText(bits: number): string {
  if (bits === 0) return 'none'
  const unit = (['t', 'g', 'm', 'k', ''] as const).find((prefix) => bits % PREFIXES[prefix] === 0) ?? ''
  return `${bits / PREFIXES[unit]}${unit}bit`
}

interface Limited {
  readonly network: Pick<NetworkRecord, 'name' | 'driver'>
  readonly endpoint: Pick<EndpointRecord, 'id'>
}

/**
 * After the links exist.
 *
 * @param rate - undefined: what holds them back is taken away
 * @throws {InvalidArgument} one of them has no end on the host
 */
export function rateSteps(connected: readonly Limited[], rate: NetworkRate | undefined): readonly HostStep[] {
  const { EgressBits, IngressBits } = rate ?? UNLIMITED
  const other = connected.find((one) => !isBridged(one))
  if (rate !== undefined && other !== undefined)
    throw new InvalidArgument(
      `--network-rate: the link of a container on ${other.network.name} cannot be limited: it is a ${other.network.driver}`,
      { hint: 'use a network of the driver bridge, or leave --network-rate out' },
    )
  return connected.filter(isBridged).map(({ endpoint: { id } }) => ({
    do: 'rate',
    link: linkOf(id),
    shaper: shaperOf(id),
    egressBits: EgressBits,
    ingressBits: IngressBits,
  }))
}
