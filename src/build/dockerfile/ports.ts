/** The ports of EXPOSE. */
import { isIP } from 'node:net'
import { DockerfileInvalid } from './errors.ts'

/** One word of an EXPOSE. */
export interface ExposedPorts {
  /** `80/tcp`, one for each port of a range. */
  readonly ports: readonly string[]
  /** As written, to complain about its case. */
  readonly protocol: string
  /** An address or a host port is given, which mean nothing here. */
  readonly isMapping: boolean
}

const PROTOCOLS = ['tcp', 'udp', 'sctp']

/**
 * Reads `80`, `80-90/udp`, and the `ip:host:container` form that docker tolerates.
 *
 * @throws {DockerfileInvalid}
 */
export function parsePorts(word: string): ExposedPorts {
  const parts = word.split(':')
  const [container = '', host = ''] = [parts.pop(), parts.pop()]
  const address = parts.join(':')
  const slash = container.indexOf('/')
  const range = slash === -1 ? container : container.slice(0, slash)
  const protocol = slash === -1 ? 'tcp' : container.slice(slash + 1) || 'tcp'
  const fail = (reason: string) =>
    new DockerfileInvalid(`invalid port: ${JSON.stringify(word.slice(0, 80))}: ${reason}`, { near: word })
  if (range === '') throw fail('no port specified')
  if (!PROTOCOLS.includes(protocol.toLowerCase())) throw fail(`invalid proto: ${protocol.slice(0, 40)}`)
  if (address !== '' && isIP(address.replace(/^\[(.*)\]$/, '$1')) === 0) throw fail('invalid IP address')
  const ports = parseRange(range)
  if (ports === undefined) throw fail(`invalid containerPort: ${range.slice(0, 40)}`)
  checkHostPorts({ host, ports, fail })
  return {
    ports: ports.map((port) => `${port}/${protocol.toLowerCase()}`),
    protocol,
    isMapping: host !== '' || address !== '',
  }
}

function checkHostPorts(given: {
  readonly host: string
  readonly ports: readonly number[]
  readonly fail: (reason: string) => DockerfileInvalid
}): void {
  if (given.host === '') return
  const host = parseRange(given.host)
  if (host === undefined) throw given.fail(`invalid hostPort: ${given.host.slice(0, 40)}`)
  if (given.ports.length > 1 && host.length !== given.ports.length)
    throw given.fail('invalid ranges specified for container and host Ports')
}

function parseRange(text: string): readonly number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || last < first || last > 65535) return undefined
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
