/** What must hold of networks: leases of those who run, links of those who have leases, and nothing else. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { bridgeOf, linkOf, shaperOf } from '../../src/network/link-names.ts'
import type { World } from './world.ts'

/** Ids of all that earlier rounds have seen. */
export interface Wires {
  readonly endpoints: Set<string>
  readonly networks: Set<string>
}

interface Endpoint {
  readonly id: string
  readonly interface: string
  readonly ipv4: string
  readonly name: string | null
  readonly state: string | null
  readonly settings: string | null
}

export function falseNetworks({ root }: World, wires: Wires): string[] {
  const database = new DatabaseSync(join(root, 'state.db'), { timeout: 10_000 })
  try {
    const endpoints = database
      .prepare(
        `SELECT e.id, e.interface, e.ipv4, c.name, c.state, c.config AS settings
         FROM endpoints e LEFT JOIN containers c ON c.id = e.container`,
      )
      .all() as unknown as Endpoint[]
    const networks = database.prepare('SELECT id FROM networks').all() as { id: string }[]
    for (const { id } of endpoints) wires.endpoints.add(id)
    for (const { id } of networks) wires.networks.add(id)
    const leases = database.prepare('SELECT endpoint, address FROM addresses').all() as Record<string, string>[]
    const held = new Set(endpoints.map(({ id }) => id))
    const dead = [...wires.endpoints].filter((id) => !held.has(id))
    return [
      ...endpoints.flatMap(lieOf),
      ...leases
        .filter(({ endpoint = '' }) => !held.has(endpoint))
        .map(({ address }) => `nobody has the address ${address}`),
      ...leftOf(dead.flatMap((id) => [linkOf(id), shaperOf(id)])),
    ]
  } finally {
    database.close()
  }
}

function lieOf({ id, ipv4, name, state, settings, interface: link }: Endpoint): string[] {
  if (name === null) return [`a container that is gone has the address ${ipv4}`]
  if (state !== 'running' && state !== 'paused') return [`${name} is ${state}, but has the address ${ipv4}`]
  const asked = (JSON.parse(settings ?? '{}') as { host: { NetworkRate?: object } }).host
  return [
    ...(hostLinks().includes(linkOf(id)) ? [] : [`${name} has no ${link}`]),
    ...(asked.NetworkRate !== undefined && !hostLinks().includes(shaperOf(id)) ? [`${name} has no limit`] : []),
  ]
}

const hostLinks = () => readdirSync('/sys/class/net')
const leftOf = (names: readonly string[]) => {
  const links = hostLinks()
  return names.filter((name) => links.includes(name)).map((name) => `link of nobody: ${name}`)
}

/** Once all containers and networks are removed. */
export function linksLeft({ endpoints, networks }: Wires): string[] {
  const { stdout = '' } = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' })
  const tables = [...networks].filter((id) => stdout.includes(`coracle-${id.slice(0, 12)}`))
  return [
    ...leftOf([...networks].map(bridgeOf)),
    ...leftOf([...endpoints].flatMap((id) => [linkOf(id), shaperOf(id)])),
    ...tables.map((id) => `rules of nobody: coracle-${id.slice(0, 12)}`),
  ]
}

/** Every network shows exactly those who run on it; one that ends by itself between two questions is no lie. */
export async function falseInspects(world: World): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await inspectAll(world)
    if (found.length === 0 || attempt === 5) return found
  }
}

async function inspectAll(world: World): Promise<string[]> {
  const { stdout: list } = await world.cli('network', 'ls', '--format', '{{.Name}}', '--filter', 'driver=bridge')
  const { status, stdout, stderr } = await world.cli('network', 'inspect', ...list.split('\n').filter(Boolean))
  if (status !== 0) return [`network inspect fails: ${stderr}`]
  const networks = JSON.parse(stdout) as { Name: string; Containers: Record<string, { Name: string }> }[]
  const found: string[] = []
  for (const { Name, Containers } of networks) {
    const shown = Object.values(Containers).map((container) => container.Name)
    const filters = ['--filter', `network=${Name}`, '--filter', 'status=running', '--filter', 'status=paused']
    const running = await world.cli('ps', '--format', '{{.Names}}', ...filters)
    const named = running.stdout.split('\n').filter(Boolean)
    if (shown.toSorted().join() !== named.toSorted().join())
      found.push(`network inspect ${Name} shows [${shown}], on it are [${named}]`)
  }
  return found
}
