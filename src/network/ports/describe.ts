/** Ports in docker's words and shapes. */
import { isSix } from '../cidr.ts'
import type { PublishedPort } from '../types.ts'

export interface Binding {
  readonly HostIp: string
  readonly HostPort: string
}

export function shownIp({ hostIp }: Pick<PublishedPort, 'hostIp'>): string {
  return hostIp === '' ? '0.0.0.0' : hostIp
}

/** `NetworkSettings.Ports`: exposed ones that are not published have `null`. */
export function describePorts(
  ports: readonly PublishedPort[],
  exposed: readonly string[],
): Record<string, readonly Binding[] | null> {
  const shapes: Record<string, Binding[] | null> = Object.fromEntries(exposed.map((key) => [key, null]))
  for (const port of ports) {
    const key = `${port.containerPort}/${port.protocol}`
    shapes[key] = [...(shapes[key] ?? []), { HostIp: shownIp(port), HostPort: String(port.hostPort) }]
  }
  return shapes
}

/** Smallest first, of the container and then of the host: docker's order. */
export function inOrder(ports: readonly PublishedPort[]): readonly PublishedPort[] {
  const words = (port: PublishedPort) => [port.containerPort, shownIp(port), port.hostPort, port.protocol] as const
  return ports.toSorted((one, other) => {
    const [left, right] = [words(one), words(other)]
    const at = left.findIndex((word, index) => word !== right[index])
    return at === -1 ? 0 : (left[at] ?? 0) < (right[at] ?? 0) ? -1 : 1
  })
}

interface Run {
  readonly ip: string | undefined
  readonly protocol: string
  readonly first: number
  readonly last: number
}

/**
 * The column of `ps`. Neighbouring ports that are the same on both sides, or not published at all, are shown as one
 * range; before all others, as docker has it.
 */
export function portsText(ports: readonly PublishedPort[], exposed: readonly string[]): string {
  const published = new Set(ports.map((port) => `${port.containerPort}/${port.protocol}`))
  const runs = [
    ...inOrder(ports)
      .filter(isSame)
      .map((port) => runOf(port.containerPort, port.protocol, shownIp(port))),
    ...exposed.filter((key) => !published.has(key)).map(exposedRun),
  ].toSorted((one, other) => one.first - other.first)
  const others = inOrder(ports).filter((port) => !isSame(port))
  return [
    ...joined(runs).map(runText),
    ...others.map((port) => `${addressText(port)}->${port.containerPort}/${port.protocol}`),
  ].join(', ')
}

/** `0.0.0.0:80`, `[::]:80` */
export function addressText(port: Pick<PublishedPort, 'hostIp' | 'hostPort'>): string {
  return `${bracketed(shownIp(port))}:${port.hostPort}`
}

function isSame({ hostPort, containerPort }: PublishedPort): boolean {
  return hostPort === containerPort
}

function exposedRun(key: string): Run {
  const [port, protocol = 'tcp'] = key.split('/')
  return runOf(Number(port), protocol, undefined)
}

function runOf(port: number, protocol: string, ip: string | undefined): Run {
  return { ip, protocol, first: port, last: port }
}

function joined(runs: readonly Run[]): readonly Run[] {
  const whole: Run[] = []
  for (const run of runs) {
    const before = whole.findIndex(
      ({ ip, protocol, last }) => ip === run.ip && protocol === run.protocol && last === run.first - 1,
    )
    const found = whole[before]
    if (found === undefined) whole.push(run)
    else whole[before] = { ...found, last: run.last }
  }
  return whole
}

function runText({ ip, protocol, first, last }: Run): string {
  const range = first === last ? String(first) : `${first}-${last}`
  return `${ip === undefined ? '' : `${bracketed(ip)}:${range}->`}${range}/${protocol}`
}

function bracketed(address: string): string {
  return isSix(address) ? `[${address}]` : address
}
