/** slirp4netns: podman's options for it, its words, and the ports that are asked for over its socket. */
import { join } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import { formatAddress, parseAddress, parseBlock } from '../cidr.ts'
import type { PublishedPort } from '../types.ts'
import { hasDefaultRoute6 } from './choose.ts'
import { hostAddress } from './host-address.ts'
import { type HelperAddresses, type HelperRequest, type HelperStep, LINK } from './types.ts'

interface SlirpOptions {
  readonly cidr: string
  readonly mtu: number
  readonly allowHostLoopback: boolean
  readonly enableIpv6: boolean
  readonly outbound: string | undefined
  readonly outbound6: string | undefined
}

const DEFAULT_CIDR = '10.0.2.0/24'
const LARGEST_MTU = 65_521

/** @throws {InvalidArgument} an option that podman has not, or a value that means nothing */
export function parseSlirpOptions(options: readonly string[]): SlirpOptions {
  const values = new Map<string, string>()
  for (const option of options) {
    const at = option.indexOf('=')
    const key = at === -1 ? option : option.slice(0, at)
    if (at === -1 || !KNOWN.includes(key))
      throw new InvalidArgument(`unknown option for slirp4netns: ${JSON.stringify(option.slice(0, 100))}`, {
        hint: `the options are ${KNOWN.join(', ')}`,
      })
    values.set(key, option.slice(at + 1))
  }
  const handler = values.get('port_handler') ?? 'slirp4netns'
  if (handler !== 'slirp4netns')
    throw invalid('port_handler', handler, 'slirp4netns publishes its ports itself here: leave the option out')
  return {
    cidr: checked(values, 'cidr', isCidr) ?? DEFAULT_CIDR,
    mtu: Number(checked(values, 'mtu', isMtu) ?? 65_520),
    allowHostLoopback: truth(values, 'allow_host_loopback') ?? false,
    enableIpv6: truth(values, 'enable_ipv6') ?? hasDefaultRoute6(),
    outbound: checked(values, 'outbound_addr', isSource(4)),
    outbound6: checked(values, 'outbound_addr6', isSource(6)),
  }
}

const KNOWN = [
  'allow_host_loopback',
  'mtu',
  'cidr',
  'enable_ipv6',
  'outbound_addr',
  'outbound_addr6',
  'port_handler',
] as const as readonly string[]

function invalid(key: string, value: string, hint?: string): InvalidArgument {
  return new InvalidArgument(`invalid ${key} for slirp4netns: ${JSON.stringify(value.slice(0, 100))}`, { hint })
}

function checked(values: ReadonlyMap<string, string>, key: string, holds: (value: string) => boolean) {
  const value = values.get(key)
  if (value !== undefined && !holds(value)) throw invalid(key, value)
  return value
}

function truth(values: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const value = checked(values, key, (text) => text === 'true' || text === 'false')
  return value === undefined ? undefined : value === 'true'
}

/** It needs room for the four addresses that it hands out. */
function isCidr(value: string): boolean {
  const block = parseBlock(value)
  return block?.family === 4 && block.prefix <= 25
}

function isMtu(value: string): boolean {
  return /^\d{2,5}$/.test(value) && Number(value) >= 68 && Number(value) <= LARGEST_MTU
}

/** An address of the host, or a link. */
const isSource = (family: 4 | 6) => (value: string) =>
  parseAddress(value)?.family === family || (parseAddress(value) === undefined && /^[A-Za-z0-9_.@-]{1,15}$/.test(value))

export function slirpAddresses(options: readonly string[]): HelperAddresses {
  const { cidr, allowHostLoopback } = parseSlirpOptions(options)
  const block = parseBlock(cidr)
  if (block === undefined) throw invalid('cidr', cidr)
  const at = (offset: bigint) => formatAddress({ family: 4, value: block.base + offset })
  return {
    address: at(100n),
    prefix: block.prefix,
    gateway: at(2n),
    host: allowHostLoopback ? at(2n) : hostAddress(),
    resolver: at(3n),
    always: true,
  }
}

export function slirpStep({ program, options, ports, directory, mac }: HelperRequest): HelperStep {
  const { mtu, cidr, allowHostLoopback, enableIpv6, outbound, outbound6 } = parseSlirpOptions(options)
  const socket = ports.length === 0 ? '' : join(directory, 'network.sock')
  return {
    do: 'network-helper',
    program,
    argv: [
      'slirp4netns',
      '--configure',
      '--enable-sandbox',
      '--enable-seccomp',
      '--ready-fd=3',
      `--mtu=${mtu}`,
      `--cidr=${cidr}`,
      ...(allowHostLoopback ? [] : ['--disable-host-loopback']),
      ...(enableIpv6 ? ['--enable-ipv6'] : []),
      ...(outbound === undefined ? [] : [`--outbound-addr=${outbound}`]),
      ...(outbound6 === undefined ? [] : [`--outbound-addr6=${outbound6}`]),
      ...(mac === undefined ? [] : [`--macaddress=${mac}`]),
      ...(socket === '' ? [] : ['--api-socket', socket]),
      '{pid}',
      LINK,
    ],
    ready: 3,
    directory,
    socket,
    requests: ports.map((port) => request(port, slirpAddresses(options).address ?? '')),
  }
}

function request({ protocol, hostIp, hostPort, containerPort }: PublishedPort, guest: string): [string, string] {
  const fields = {
    proto: protocol,
    host_addr: hostIp,
    host_port: hostPort,
    guest_addr: guest,
    guest_port: containerPort,
  }
  return [`${hostIp}:${hostPort}`, JSON.stringify({ execute: 'add_hostfwd', arguments: fields })]
}
