/** Networks against the kernel: rules that somebody has flushed, and what is left of those that nobody knows any more. */
import { type CheckOptions, type Finding, mendable, type RoomReport } from '../state/findings.ts'
import { acquireLock } from '../state/lock.ts'
import { isBridged } from './drivers.ts'
import { restoreForwarding } from './forwarding.ts'
import { restoreKernelNetwork } from './kernel.ts'
import { bridgeOf, linkOf, shaperOf } from './link-names.ts'
import { linksOn } from './links-on.ts'
import { isLive } from './live.ts'
import { ownerOf } from './owner.ts'
import { endpointsOf, listNetworks, type NetworkRecord, readNetwork } from './records.ts'
import type { NetworkRoom } from './room.ts'
import { hasNft } from './rules/nft.ts'
import { networkTables, tableOwner } from './rules/rules.ts'
import { tableOf } from './rules/table.ts'

/** Safe beside any other command. What is of other data roots is left alone; without root there is nothing to see. */
export async function checkNetworks(room: NetworkRoom, options: CheckOptions): Promise<RoomReport> {
  if (process.geteuid?.() !== 0 || !hasNft()) return { checked: {}, findings: [] }
  options.onProgress?.('Checking networks', 0, 1)
  // Before the records: what is made meanwhile has one.
  const tables = await networkTables()
  const findings = [
    ...(await findFlushed(room, tables, options)),
    ...(await findOrphanedTables(room, [...tables.keys()], options)),
    ...(await findOrphanedLinks(room, options)),
  ]
  return { checked: {}, findings }
}

/** Containers on it would speak unchecked, and nothing that is published would lead to them. */
async function findFlushed(
  room: NetworkRoom,
  tables: ReadonlyMap<string, 'whole' | 'half'>,
  options: CheckOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const network of listNetworks(room.database)) {
    if (!isUsed(room, network) || tables.get(tableOf(network.id)) === 'whole') continue
    // It may have come to life only just now.
    if ((await networkTables()).get(tableOf(network.id)) === 'whole') continue
    const finding = {
      kind: 'missing-rules' as const,
      subject: network.name,
      problem: 'the packet rules of this network are gone',
      repair: 'made anew',
    }
    findings.push(await mendable(options, finding, async () => restore(room, network.id)))
  }
  return findings
}

function isUsed({ database }: NetworkRoom, network: NetworkRecord): boolean {
  return isBridged({ network }) && isLive(network) && endpointsOf(database, { network: network.id }).length > 0
}

async function restore(room: NetworkRoom, id: string): Promise<boolean> {
  const { database } = room
  using lock = await acquireLock(database, `network:${id}`)
  void lock
  const network = readNetwork(database, id)
  if (network !== undefined && isUsed(room, network))
    await restoreKernelNetwork(room, network, endpointsOf(database, { network: id }))
  return true
}

/** Of networks of this data root that are in no record: somebody has removed it without its containers. */
async function findOrphanedTables(
  room: NetworkRoom,
  tables: readonly string[],
  options: CheckOptions,
): Promise<readonly Finding[]> {
  const known = new Set(listNetworks(room.database).map(({ id }) => tableOf(id)))
  const owner = ownerOf(room)
  const findings: Finding[] = []
  for (const name of tables) {
    if (known.has(name) || (await tableOwner(name)) !== owner) continue
    const finding = {
      kind: 'orphaned-rules' as const,
      subject: name,
      problem: 'no network has these packet rules',
      repair: 'removed, with the bridge of the same name',
    }
    findings.push(await mendable(options, finding, async () => removeOrphan(room, name)))
  }
  return findings
}

async function removeOrphan({ database }: NetworkRoom, table: string): Promise<boolean> {
  const [{ removeTables }, { removeLinks }] = await Promise.all([
    import('./rules/rules.ts'),
    import('../linux/wire.ts'),
  ])
  const bridge = bridgeOf(table.slice('coracle-'.length))
  await removeTables([table])
  await removeLinks([...linksOn(bridge), bridge])
  restoreForwarding(database)
  return true
}

/** On bridges of this data root, of endpoints that it does not know. */
async function findOrphanedLinks(room: NetworkRoom, options: CheckOptions): Promise<readonly Finding[]> {
  const { database } = room
  const bridges = listNetworks(database).map(({ id }) => bridgeOf(id))
  const links = bridges.flatMap(linksOn)
  const known = new Set(endpointsOf(database, {}).flatMap(({ id }) => [linkOf(id), shaperOf(id)]))
  const findings: Finding[] = []
  for (const link of links) {
    if (known.has(link)) continue
    const finding = {
      kind: 'orphaned-link' as const,
      subject: link,
      problem: 'no container has this link',
      repair: 'removed',
    }
    const remove = async () => {
      const { removeLinks } = await import('../linux/wire.ts')
      await removeLinks([link])
      return true
    }
    findings.push(await mendable(options, finding, remove))
  }
  return findings
}
