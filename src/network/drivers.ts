/** What a network is made of: a bridge of its own, or a link of the host that its containers have links below. */
import { readFileSync } from 'node:fs'
import { InvalidArgument } from '../errors.ts'
import type { HostStep } from '../linux/plan.ts'
import { ParentMissing } from './errors.ts'
import { mtuOf } from './options.ts'
import type { Connected } from './types.ts'

export type OwnDriver = 'bridge' | 'macvlan' | 'ipvlan'
/** Ours, or one that a plugin brings. */
export type Driver = OwnDriver | (string & {})

export function isOwnDriver(driver: Driver): driver is OwnDriver {
  return driver === 'bridge' || driver === 'macvlan' || driver === 'ipvlan'
}

type Options = Readonly<Record<string, string>>

/** Modes in docker's words, docker's default first. */
const MODES = {
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
} as const

type Sublink = Extract<HostStep, { do: 'sublink' }>

/** What a plugin's takes, it says itself. @throws {InvalidArgument} its options say nothing that it could do */
export function parseDriver(driver: string, options: Options): Driver {
  if (driver !== 'macvlan' && driver !== 'ipvlan') return driver
  const { parent = '' } = options
  if (!/^[^\s/:\0]{1,15}$/.test(parent) || parent === '.' || parent === '..')
    throw new InvalidArgument(`${driver} needs a link of the host: invalid parent ${JSON.stringify(parent)}`, {
      hint: 'name it with -o parent=eth0',
    })
  modeOf(driver, options)
  return driver
}

function modeOf(driver: 'macvlan' | 'ipvlan', options: Options): Sublink['mode'] {
  const modes: readonly Sublink['mode'][] = MODES[driver]
  const asked = options[`${driver}_mode`] ?? modes[0]
  const mode = modes.find((known) => known === asked)
  if (mode === undefined)
    throw new InvalidArgument(`invalid ${driver} mode: ${JSON.stringify(asked)}`, {
      hint: `one of ${modes.join(', ')}`,
    })
  return mode
}

/** Only such a network has anything on the host: links, rules, ports, limits. */
export function isBridged({ network }: { readonly network: { readonly driver: Driver } }): boolean {
  return network.driver === 'bridge'
}

/** The container's link, made below the parent. @throws {ParentMissing} */
export function sublinkStep({ network, endpoint }: Connected): Sublink {
  const { driver, options } = network
  const { parent = '' } = options
  const kind = driver === 'ipvlan' ? 'ipvlan' : 'macvlan'
  const mtu = mtuOf(options)
  if (!linkNames().includes(parent)) throw new ParentMissing(network.name, parent)
  return {
    do: 'sublink',
    kind,
    parent,
    container: endpoint.interface,
    mode: modeOf(kind, options),
    ...(endpoint.mac !== '' && { mac: endpoint.mac }),
    ...(mtu !== undefined && { mtu }),
  }
}

/** Not from /sys, which shows the network namespace that it was mounted in. */
function linkNames(): readonly string[] {
  return [...readFileSync('/proc/net/dev', 'utf8').matchAll(/^ *([^\s|]+):/gm)].map(([, name = '']) => name)
}

/** What lies behind the parent is not asked who is its neighbour: everything simply goes out. */
export function hasGateway({ driver, options }: Connected['network']): boolean {
  return driver !== 'ipvlan' || modeOf('ipvlan', options) === 'l2'
}
