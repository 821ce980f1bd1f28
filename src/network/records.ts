/** The rows of networks, their subnets, and the endpoints of running containers. */
import { type Database, transaction } from '../state/database.ts'
import { randomHex } from '../util/random.ts'
import type { Driver } from './drivers.ts'
import { AmbiguousNetwork, NetworkNameInUse, NetworkNotFound } from './errors.ts'
import { insertNetworkEvent } from './events.ts'
import type { PublishedPort } from './types.ts'

export interface SubnetRecord {
  /** `172.18.0.0/16` */
  readonly subnet: string
  readonly gateway: string
  readonly ipRange: string | undefined
  readonly auxiliary: Readonly<Record<string, string>>
  /** By us, not by the user. */
  readonly chosen: boolean
}

export interface NetworkRecord {
  readonly id: string
  readonly name: string
  readonly driver: Driver
  readonly internal: boolean
  readonly attachable: boolean
  readonly ipv6: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly createdAtMs: number
  readonly liveBoot: string | undefined
  /** When the last container left it. */
  readonly idleSinceMs: number | undefined
  /** Version 4 first. */
  readonly subnets: readonly SubnetRecord[]
}

export interface EndpointRecord {
  readonly id: string
  readonly network: string
  readonly container: string
  readonly containerName: string
  readonly interface: string
  readonly mac: string
  /** without prefix length */
  readonly ipv4: string | undefined
  readonly ipv6: string | undefined
  readonly names: readonly string[]
  readonly ports: readonly PublishedPort[]
}

type Row = Readonly<Record<string, unknown>>

export type NewNetwork = Omit<NetworkRecord, 'id' | 'createdAtMs' | 'liveBoot' | 'idleSinceMs'>

/** Within a write transaction. @throws {NetworkNameInUse} */
export function insertNetwork(database: Database, network: NewNetwork): string {
  const { name, driver, internal, attachable, ipv6, labels, options } = network
  if (database.prepare('SELECT 1 FROM networks WHERE name = ?').get(name) !== undefined)
    throw new NetworkNameInUse(name)
  const id = randomHex(32)
  database
    .prepare(
      `INSERT INTO networks (id, name, driver, internal, attachable, ipv6, labels, options, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(id, name, driver, +internal, +attachable, +ipv6, JSON.stringify(labels), JSON.stringify(options), Date.now())
  insertSubnets(database, id, network.subnets)
  insertNetworkEvent(database, { id, name, driver }, { action: 'create' })
  return id
}

export function insertSubnets(database: Database, id: string, subnets: readonly SubnetRecord[]): void {
  const statement = database.prepare(
    'INSERT INTO subnets (network, subnet, gateway, ip_range, auxiliary, chosen) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const { subnet, gateway, ipRange, auxiliary, chosen } of subnets)
    statement.run(id, subnet, gateway, ipRange ?? null, JSON.stringify(auxiliary), +chosen)
}

/** By name, id, or unambiguous prefix of an id. @throws {NetworkNotFound} @throws {AmbiguousNetwork} */
export function findNetwork(database: Database, name: string): NetworkRecord {
  const exact = database.prepare('SELECT * FROM networks WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC').get(name)
  if (exact !== undefined) return toNetwork(database, exact)
  if (!/^[0-9a-f]{1,64}$/.test(name)) throw new NetworkNotFound(name)
  const rows = database.prepare('SELECT * FROM networks WHERE id >= ? AND id < ? LIMIT 20').all(name, `${name}g`)
  const [first, ...others] = rows
  if (first === undefined) throw new NetworkNotFound(name)
  if (others.length > 0)
    throw new AmbiguousNetwork(
      name,
      rows.map((row) => `${String(row['id']).slice(0, 12)} (${row['name']})`),
    )
  return toNetwork(database, first)
}

export function readNetwork(database: Database, id: string): NetworkRecord | undefined {
  const row = database.prepare('SELECT * FROM networks WHERE id = ?').get(id)
  return row === undefined ? undefined : toNetwork(database, row)
}

export function listNetworks(database: Database): readonly NetworkRecord[] {
  return database
    .prepare('SELECT * FROM networks ORDER BY name')
    .all()
    .map((row) => toNetwork(database, row))
}

/** @returns false when somebody is on it, or nobody knows it: nothing has been removed then */
export function deleteNetwork(
  database: Database,
  { id, name, driver }: Pick<NetworkRecord, 'id' | 'name' | 'driver'>,
): boolean {
  return transaction(database, () => {
    if (endpointsOf(database, { network: id }).length > 0) return false
    if (database.prepare('DELETE FROM networks WHERE id = ?').run(id).changes !== 1) return false
    insertNetworkEvent(database, { id, name, driver }, { action: 'destroy' })
    return true
  })
}

/** @param bootId - undefined: nothing of it is in the kernel any more */
export function markLive(database: Database, id: string, bootId: string | undefined): void {
  database.prepare('UPDATE networks SET live_boot = ? WHERE id = ?').run(bootId ?? null, id)
}

/** Within a write transaction. */
export function insertEndpoint(database: Database, endpoint: EndpointRecord): void {
  const { id, network, container, containerName, mac, ipv4, ipv6, names, ports } = endpoint
  database
    .prepare(
      `INSERT INTO endpoints (id, network, container, container_name, interface, mac, ipv4, ipv6, names, ports)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      network,
      container,
      containerName,
      endpoint.interface,
      mac,
      ipv4 ?? null,
      ipv6 ?? null,
      JSON.stringify(names),
      JSON.stringify(ports),
    )
  const lease = database.prepare('INSERT INTO addresses (network, address, endpoint) VALUES (?, ?, ?)')
  for (const address of [ipv4, ipv6]) if (address !== undefined) lease.run(network, address, id)
}

/** With its addresses. Idempotent. */
export function deleteEndpoint(database: Database, id: string): void {
  database.prepare('DELETE FROM endpoints WHERE id = ?').run(id)
}

/** In the order of their interfaces. */
export function endpointsOf(
  database: Database,
  { network, container }: { readonly network?: string; readonly container?: string },
): readonly EndpointRecord[] {
  return database
    .prepare(
      `SELECT * FROM endpoints WHERE (?1 IS NULL OR network = ?1) AND (?2 IS NULL OR container = ?2)
       ORDER BY length(interface), interface`,
    )
    .all(network ?? null, container ?? null)
    .map(toEndpoint)
}

export function leasedAddresses(database: Database, network: string): ReadonlySet<string> {
  const rows = database.prepare('SELECT address FROM addresses WHERE network = ?').all(network)
  return new Set(rows.map((row) => row['address'] as string))
}

function toNetwork(database: Database, row: Row): NetworkRecord {
  const id = row['id'] as string
  return {
    id,
    name: row['name'] as string,
    driver: row['driver'] as Driver,
    internal: row['internal'] === 1,
    attachable: row['attachable'] === 1,
    ipv6: row['ipv6'] === 1,
    labels: JSON.parse(row['labels'] as string) as Record<string, string>,
    options: JSON.parse(row['options'] as string) as Record<string, string>,
    createdAtMs: row['created_at'] as number,
    liveBoot: (row['live_boot'] as string | null) ?? undefined,
    idleSinceMs: (row['idle_since'] as number | null) ?? undefined,
    subnets: database
      .prepare("SELECT * FROM subnets WHERE network = ? ORDER BY instr(subnet, ':') > 0, rowid")
      .all(id)
      .map(toSubnet),
  }
}

function toSubnet(row: Row): SubnetRecord {
  return {
    subnet: row['subnet'] as string,
    gateway: row['gateway'] as string,
    ipRange: (row['ip_range'] as string | null) ?? undefined,
    auxiliary: JSON.parse(row['auxiliary'] as string) as Record<string, string>,
    chosen: row['chosen'] === 1,
  }
}

function toEndpoint(row: Row): EndpointRecord {
  return {
    id: row['id'] as string,
    network: row['network'] as string,
    container: row['container'] as string,
    containerName: row['container_name'] as string,
    interface: row['interface'] as string,
    mac: row['mac'] as string,
    ipv4: (row['ipv4'] as string | null) ?? undefined,
    ipv6: (row['ipv6'] as string | null) ?? undefined,
    names: JSON.parse(row['names'] as string) as string[],
    ports: JSON.parse(row['ports'] as string) as PublishedPort[],
  }
}
