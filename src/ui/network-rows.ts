/** Rows of `network ls` by docker's field names. */
import type { NetworkSummary } from '../network/types.ts'
import type { Row } from './format-rows.ts'
import { goTime } from './units.ts'

export const NETWORK_HEADINGS = {
  ID: 'NETWORK ID',
  Name: 'NAME',
  Driver: 'DRIVER',
  Scope: 'SCOPE',
  IPv4: 'IPV4',
  IPv6: 'IPV6',
  Internal: 'INTERNAL',
  Labels: 'LABELS',
  CreatedAt: 'CREATED AT',
}

/** @param full - nothing is cut off */
export function networkRow(
  { id, name, driver, createdAtMs, internal, ipv6, labels }: NetworkSummary,
  full: boolean,
): Row {
  return {
    ID: full ? id : id.slice(0, 12),
    Name: name,
    Driver: driver,
    Scope: 'local',
    IPv4: 'true',
    IPv6: String(ipv6),
    Internal: String(internal),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Label: (key: unknown) => (Object.hasOwn(labels, String(key)) ? labels[String(key)] : ''),
    CreatedAt: goTime(createdAtMs),
  }
}
