/** `--network`, what goes with it, and the ports: as settings in docker's shapes. Networks are looked up later. */
import { InvalidArgument } from '../../errors.ts'
import { parseAddress } from '../../network/cidr.ts'
import { parseExpose, parsePublish } from '../../network/ports/parse.ts'
import { parseNetworkRate } from '../../network/rate.ts'
import type { HostConfig, NetworkAttachment } from '../config.ts'
import type { RunFlags } from '../types.ts'
import { invalid } from './values.ts'

export type NetworkSettings = Pick<
  HostConfig,
  'NetworkMode' | 'Networks' | 'NetworkRate' | 'Links' | 'PublishAllPorts' | 'Publish'
>

/** What has no networks of its own to be connected to. */
const ALONE = /^(?:none|host|container:.*|(?:pasta|slirp4netns)(?::.*)?)$/s

/** @throws {InvalidArgument} in docker's words */
export function parseNetworkSettings(flags: RunFlags): NetworkSettings {
  const words = networkWords(flags.network)
  const attachments = words.map(parseAttachment)
  const [first] = attachments
  refuseMixtures(attachments)
  const shortForms = {
    IPv4Address: flags.ip,
    IPv6Address: flags.ip6,
  }
  const aliases = [...(flags['network-alias'] ?? [])]
  const alone = first !== undefined && ALONE.test(first.Name)
  if (alone) refuseAlone(first.Name, flags)
  const NetworkMode = first?.Name ?? ''
  // Short forms speak of the first network, as docker has it.
  if (flags['mac-address'] !== undefined && (first?.MacAddress ?? '') !== '') throw conflict('mac-address')
  const main = merged(first ?? attachment({ Name: '' }), shortForms, aliases)
  const NetworkRate = parseNetworkRate(flags['network-rate'] ?? 'none')
  return {
    NetworkMode,
    ...(NetworkRate !== undefined && { NetworkRate }),
    Networks: alone ? [] : [main, ...attachments.slice(1)],
    Links: (flags.link ?? []).map(parseLink),
    PublishAllPorts: flags['publish-all'] ?? false,
    Publish: [...(flags.publish ?? []).filter((text) => parsePublish(text).length > 0)],
  }
}

/** In one word when there is only one, as programs may give it. */
export function networkWords(value: RunFlags['network']): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}

export function attachment(values: Partial<NetworkAttachment> & { readonly Name: string }): NetworkAttachment {
  return { Aliases: [], IPv4Address: '', IPv6Address: '', MacAddress: '', ...values }
}

/** `web`, or `name=web,alias=a,ip=10.0.0.5,…`. */
function parseAttachment(text: string): NetworkAttachment {
  if (text === '' || text === 'default') return attachment({ Name: '' })
  if (text === 'container:') throw new InvalidArgument('invalid container format container:<name|id>')
  if (/^(?:pasta|slirp4netns)(?::|$)/.test(text) || !text.includes('=')) return attachment({ Name: text })
  const fields = { name: '', ip: '', ip6: '', mac: '' }
  const aliases: string[] = []
  for (const part of text.split(',')) {
    const [key = '', ...rest] = part.split('=')
    const value = rest.join('=').trim()
    const name = key.trim().toLowerCase()
    if (name === 'alias') aliases.push(value)
    else if (name === 'mac-address') fields.mac = checkedMac(value)
    else if (name === 'name' || name === 'ip' || name === 'ip6') fields[name] = value
    else if (name !== 'driver-opt') throw new InvalidArgument(`invalid field ${key.slice(0, 100)}`)
  }
  if (fields.name === '') throw new InvalidArgument('network name is required in the advanced syntax: name=NETWORK')
  return attachment({
    Name: fields.name,
    Aliases: aliases.map(checkedAlias),
    IPv4Address: fields.ip === '' ? '' : checkedAddress(fields.ip, 4, 'network'),
    IPv6Address: fields.ip6 === '' ? '' : checkedAddress(fields.ip6, 6, 'network'),
    MacAddress: fields.mac,
  })
}

function refuseMixtures(attachments: readonly NetworkAttachment[]): void {
  const names = attachments.map(({ Name }) => Name)
  if (names.length > 1 && names.some((name) => ALONE.test(name)))
    throw new InvalidArgument('conflicting options: cannot attach both user-defined and non-user-defined network-modes')
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new InvalidArgument(`network ${JSON.stringify(twice)} is specified multiple times`)
}

function refuseAlone(name: string, flags: RunFlags): void {
  if (flags.ip !== undefined || flags.ip6 !== undefined)
    throw new InvalidArgument('conflicting options: a container without a network of its own has no address to choose')
  if ((flags['network-alias']?.length ?? 0) > 0)
    throw new InvalidArgument('network-scoped alias is supported only for containers in user defined networks')
  if (parseNetworkRate(flags['network-rate'] ?? 'none') !== undefined) throw nothingToLimit(name)
  if (!name.startsWith('container:')) return
  if ((flags.publish?.length ?? 0) > 0 || flags['publish-all'])
    throw new InvalidArgument('conflicting options: port publishing and the container type network mode')
  if ((flags.expose?.length ?? 0) > 0)
    throw new InvalidArgument('conflicting options: port exposing and the container type network mode')
  if ((flags.link?.length ?? 0) > 0)
    throw new InvalidArgument('conflicting options: container type network cannot be used with links')
}

/** @param mode - what has no links of its own: `none`, `host`, `container:NAME` */
export function nothingToLimit(mode: string): InvalidArgument {
  return new InvalidArgument(`--network-rate: a container on network ${mode} has no link of its own to limit`, {
    hint: 'connect it to a bridge, or leave --network-rate out',
  })
}

interface ShortForms {
  readonly IPv4Address: string | undefined
  readonly IPv6Address: string | undefined
}

function conflict(name: string): InvalidArgument {
  return new InvalidArgument(`conflicting options: cannot specify both --${name} and per-network ${name}`)
}

function merged(into: NetworkAttachment, short: ShortForms, aliases: readonly string[]): NetworkAttachment {
  const { IPv4Address, IPv6Address } = short
  if (IPv4Address !== undefined && into.IPv4Address !== '') throw conflict('ip')
  if (IPv6Address !== undefined && into.IPv6Address !== '') throw conflict('ip6')
  return {
    ...into,
    Aliases: [...into.Aliases, ...aliases.map(checkedAlias)],
    ...(IPv4Address !== undefined && { IPv4Address: checkedAddress(IPv4Address, 4, 'ip') }),
    ...(IPv6Address !== undefined && { IPv6Address: checkedAddress(IPv6Address, 6, 'ip6') }),
  }
}

export function checkedAddress(text: string, family: 4 | 6, flag: string): string {
  if (parseAddress(text)?.family !== family) throw invalid(text, flag, `it is no IP address of version ${family}`)
  return text
}

export function checkedAlias(text: string): string {
  if (/^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,253}[a-zA-Z0-9_])?$/.test(text)) return text
  throw new InvalidArgument(`invalid network alias: ${JSON.stringify(text.slice(0, 200))}`)
}

export function checkedMac(text: string): string {
  if (!/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(text))
    throw new InvalidArgument(`${text} is not a valid mac address`)
  return text.replaceAll('-', ':').toLowerCase()
}

/** `CONTAINER` or `CONTAINER:ALIAS`. */
export function parseLink(text: string): string {
  const match = /^\/?([a-zA-Z0-9][a-zA-Z0-9_.-]*)(?::([a-zA-Z0-9_][a-zA-Z0-9_.-]*))?$/.exec(text)
  if (match === null) throw new InvalidArgument(`bad format for links: ${text.slice(0, 200)}`)
  return `${match[1]}:${match[2] ?? match[1]}`
}

/** docker's `Config.ExposedPorts`: what is published is exposed as well. @throws {InvalidArgument} */
export function exposedPorts(flags: RunFlags): Record<string, object> | undefined {
  const published = (flags.publish ?? []).flatMap((text) =>
    parsePublish(text).map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  )
  const keys = [...(flags.expose ?? []).flatMap(parseExpose), ...published]
  return keys.length === 0 ? undefined : Object.fromEntries(keys.map((key) => [key, {}]))
}
