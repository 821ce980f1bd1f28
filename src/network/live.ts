/**
 * When a network has its bridge and rules in the kernel. `live_boot` of its row says in which boot they were made, and
 * with which version of the tables; an `ending:` before it, that somebody makes them or takes them away, or died over
 * it. Whoever does holds the lock `network:ID`; who finds them alive in the transaction that stores its endpoint needs no
 * lock, because nobody takes away what has endpoints.
 */
import { readFileSync } from 'node:fs'
import { type Database, transaction } from '../state/database.ts'
import { acquireLock } from '../state/lock.ts'
import { restoreForwarding } from './forwarding.ts'
import { endpointsOf, markLive, type NetworkRecord, readNetwork } from './records.ts'
import type { NetworkRoom } from './room.ts'

const ENDING = 'ending:'

/** Of our tables: raised with every change of their sets, so that those of an older program are made anew. */
const RULES_VERSION = 1

let boot: string | undefined

/** Differs after each boot, and for programs whose tables differ. */
function liveMark(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${boot}/${RULES_VERSION}`
}

export function isLive({ liveBoot }: Pick<NetworkRecord, 'liveBoot'>): boolean {
  return liveBoot === liveMark()
}

/** Removes bridge and rules of a network that nobody is on; changes nothing where somebody is. */
export async function takeDown(room: NetworkRoom, id: string): Promise<void> {
  const { database } = room
  using lock = await acquireLock(database, `network:${id}`)
  void lock
  if (!markEnding(database, id)) return
  const { removeKernelNetwork } = await import('./kernel.ts')
  await removeKernelNetwork(room, id)
  markLive(database, id, undefined) // whoever came meanwhile waits for the lock, and makes it anew
  restoreForwarding(database)
}

/** @returns false where there is nothing to take away, or somebody is on it */
function markEnding(database: Database, id: string): boolean {
  return transaction(database, () => {
    const live = readNetwork(database, id)?.liveBoot
    if (live === undefined || endpointsOf(database, { network: id }).length > 0) return false
    if (!live.startsWith(ENDING)) markLive(database, id, `${ENDING}${live}`)
    return true
  })
}

/** Makes the rules of a network that has none yet. Its endpoint is stored already. */
export async function bringUp(room: NetworkRoom, id: string): Promise<void> {
  const { database } = room
  using lock = await acquireLock(database, `network:${id}`)
  void lock
  const network = readNetwork(database, id)
  if (network === undefined || isLive(network)) return
  const { makeKernelNetwork, restoreKernelNetwork } = await import('./kernel.ts')
  // Marked first: whoever is cut short between the two leaves something that is found and taken away.
  markLive(database, id, `${ENDING}${liveMark()}`)
  const endpoints = endpointsOf(database, { network: id })
  // Others may have been let through by what is made anew.
  if (endpoints.length > 1) await restoreKernelNetwork(room, network, endpoints)
  else await makeKernelNetwork(room, network)
  markLive(database, id, liveMark())
}
