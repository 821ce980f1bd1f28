/** `network rm` and `network prune`. Who is on a network keeps it. */
import { CoracleError, type Kept } from '../errors.ts'
import { NetworkInUse, NetworkNotFound, PredefinedNetwork } from './errors.ts'
import { parsePruneFilters } from './filters.ts'
import { forgetForeign, removeForeign } from './foreign.ts'
import { summaryOf } from './list.ts'
import { takeDown } from './live.ts'
import { PREDEFINED } from './predefined.ts'
import { deleteNetwork, endpointsOf, findNetwork, listNetworks, type NetworkRecord, readNetwork } from './records.ts'
import type { NetworkRoom } from './room.ts'
import type { NetworkUsers, PrunedNetworks } from './types.ts'

/** See `NetworkEngine.remove`. */
export async function removeNetwork(
  room: NetworkRoom,
  users: NetworkUsers,
  { name, force = false }: { readonly name: string; readonly force?: boolean },
): Promise<void> {
  if (PREDEFINED.includes(name)) refusePredefined(name)
  const network = findNetwork(room.database, name)
  if (PREDEFINED.includes(network.name)) refusePredefined(network.name)
  for (;;) {
    await settleUsers(room, users, network)
    await takeDown(room, network.id) // what a crash has left of it
    await (force ? forgetForeign : removeForeign)(room, network)
    if (deleteNetwork(room.database, network)) return
    const names = endpointsOf(room.database, { network: network.id }).map(({ containerName }) => containerName)
    if (names.length > 0) throw new NetworkInUse(network.name, network.id, names)
    if (readNetwork(room.database, network.id) === undefined) throw new NetworkNotFound(name) // somebody was faster
    // Its last container has left between the two looks.
  }
}

export async function removeNetworkIfThere(room: NetworkRoom, users: NetworkUsers, name: string): Promise<void> {
  try {
    await removeNetwork(room, users, { name, force: true })
  } catch (error) {
    if (!(error instanceof NetworkNotFound)) throw error
  }
}

function refusePredefined(name: string): never {
  throw new PredefinedNetwork(`${name} is a pre-defined network and cannot be removed`)
}

async function settleUsers({ database }: NetworkRoom, users: NetworkUsers, { id }: NetworkRecord): Promise<void> {
  await users.settle(endpointsOf(database, { network: id }).map(({ container }) => container))
}

/** See `NetworkEngine.prune`. */
export async function pruneNetworks(
  room: NetworkRoom,
  users: NetworkUsers,
  filters: readonly string[],
): Promise<PrunedNetworks> {
  const matches = parsePruneFilters(filters)
  await takeDownUnused(room)
  const deleted: string[] = []
  const kept: Kept[] = []
  for (const network of listNetworks(room.database)) {
    if (PREDEFINED.includes(network.name) || !matches(summaryOf(network))) continue
    await settleUsers(room, users, network)
    if (users.named().has(network.name)) continue // docker keeps those of stopped containers as well
    await takeDown(room, network.id)
    try {
      await removeForeign(room, network)
    } catch (error) {
      if (!(error instanceof CoracleError)) throw error
      kept.push({ name: network.name, error })
      continue
    }
    if (deleteNetwork(room.database, network)) deleted.push(network.name)
  }
  return { deleted, kept }
}

/** What lingers needs to wait no longer. */
async function takeDownUnused(room: NetworkRoom): Promise<void> {
  for (const { id } of listNetworks(room.database)) await takeDown(room, id)
}
