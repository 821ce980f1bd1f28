/** `-p` and `--expose`, in all of docker's forms. */
import { InvalidArgument } from '../../errors.ts'
import { formatAddress, parseAddress } from '../cidr.ts'
import type { PublishedPort } from '../types.ts'

export type Protocol = PublishedPort['protocol']

export interface PortSpec {
  readonly protocol: Protocol
  readonly containerPort: number
  /** empty: everywhere */
  readonly hostIp: string
  /** first and last of those to choose from; undefined: any free one */
  readonly hostPorts: readonly [first: number, last: number] | undefined
}

const MOST_PORTS = 65_535

/**
 * `[IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]`; an IP of version 6 with brackets or, as docker has it, without.
 *
 * @throws {InvalidArgument}
 */
export function parsePublish(text: string): readonly PortSpec[] {
  const { rest, protocol } = splitProtocol(text)
  const parts = rest.split(':')
  const [hostText = '', containerText = ''] = parts.length === 1 ? ['', rest] : parts.slice(-2)
  const hostIp = hostAddress(parts.slice(0, -2).join(':'))
  const container = range(containerText, { what: 'containerPort', text })
  const host = hostText === '' ? undefined : range(hostText, { what: 'hostPort', text })
  const count = container[1] - container[0] + 1
  const hostCount = host === undefined ? count : host[1] - host[0] + 1
  if (count !== hostCount && count !== 1)
    throw new InvalidArgument(`invalid ranges specified for container and host Ports: ${containerText} and ${hostText}`)
  return Array.from({ length: count }, (_, index): PortSpec => {
    const own = host === undefined ? undefined : count === 1 ? host : ([host[0] + index, host[0] + index] as const)
    return { protocol, containerPort: container[0] + index, hostIp, hostPorts: own }
  })
}

/** In the form that all others compare with. */
function hostAddress(text: string): string {
  if (text === '') return ''
  const inside = /^\[(.*:.*)\]$/.exec(text)?.[1] ?? text
  const address = parseAddress(inside)
  if (address === undefined) throw new InvalidArgument(`invalid IP address: ${text.slice(0, 100)}`)
  return formatAddress(address)
}

/** `80`, `80-90/udp`. @returns docker's keys: `80/tcp` */
export function parseExpose(text: string): readonly string[] {
  const { rest, protocol } = splitProtocol(text)
  const [first, last] = range(rest, { what: 'containerPort', text })
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`)
}

function splitProtocol(text: string): { readonly rest: string; readonly protocol: Protocol } {
  const slash = text.lastIndexOf('/')
  const protocol = slash === -1 ? 'tcp' : text.slice(slash + 1).toLowerCase()
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp')
    throw new InvalidArgument(`invalid proto: ${protocol.slice(0, 100)}`)
  return { rest: slash === -1 ? text : text.slice(0, slash), protocol }
}

function range(
  typed: string,
  { what, text }: { readonly what: string; readonly text: string },
): readonly [first: number, last: number] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(typed)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match !== null && first >= 1 && last <= MOST_PORTS && last >= first) return [first, last]
  throw new InvalidArgument(`invalid ${what}: ${typed.slice(0, 100)}`, {
    hint: `not ${JSON.stringify(text.slice(0, 100))}, but such as 8080:80, 127.0.0.1:8080:80/tcp or 53:53/udp`,
  })
}
