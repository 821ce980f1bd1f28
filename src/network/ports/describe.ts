/** Ports in docker's words and shapes. */
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

/** The column of `ps`. */
export function portsText(ports: readonly PublishedPort[], exposed: readonly string[]): string {
  return Object.entries(describePorts(ports, exposed))
    .flatMap(([key, bindings]) =>
      bindings === null ? [key] : bindings.map(({ HostIp, HostPort }) => `${bracketed(HostIp)}:${HostPort}->${key}`),
    )
    .join(', ')
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
