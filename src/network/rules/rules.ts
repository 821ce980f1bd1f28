/** The packet filter: two tables for each network, made in one transaction, gone with its last container. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { RulesRefused } from './errors.ts'
import { hasRules, inputChains } from './firewall.ts'
import { findNft } from './nft.ts'
import { tableOf, tablesText } from './table.ts'
import type { RuleNetwork } from './types.ts'

/**
 * Idempotent: what is there is made anew.
 *
 * @throws {NftMissing} @throws {RulesRefused}
 */
export async function ensureNetworkRules(network: RuleNetwork): Promise<void> {
  const { obeysInput } = network
  const tables = (obeys: boolean) => tablesText(network, { obeysInput: obeys })
  const isOpen = obeysInput === 'where there are rules'
  const chains = await makeAnew(network, `${tables(obeysInput === true)}${isOpen ? 'list chains\n' : ''}`)
  if (isOpen && (await isFirewalled(chains))) await makeAnew(network, tables(true))
}

/** To remove what is not there costs as much as all the rest: only where something is in the way. */
async function makeAnew({ id, owner }: RuleNetwork, script: string): Promise<string> {
  const table = tableOf(id)
  // With what says whose they are: later it could not be said any more.
  const creation = (family: string) => `create table ${family} ${table} {\n  comment "coracle ${owner}"\n}\n`
  try {
    return await nft(`${creation('inet')}${creation('bridge')}${script}`)
  } catch (error) {
    if (!(error instanceof RulesRefused)) throw error
    return nft(`${removal(table)}${script}`)
  }
}

async function isFirewalled(chains: string): Promise<boolean> {
  for (const { family, table, name, closed } of inputChains(chains))
    if (closed || hasRules(await listed(`list chain ${family} ${table} ${name}\n`))) return true
  return false
}

/** Idempotent. */
export async function removeNetworkRules(networkId: string): Promise<void> {
  await removeTables([tableOf(networkId)])
}

/** Those that are not there are fine. */
export async function removeTables(names: readonly string[]): Promise<void> {
  if (names.length > 0) await nft(names.map(removal).join(''))
}

/** Names of all tables of networks on this host, of any data root, and whether they are whole. */
export async function networkTables(): Promise<ReadonlyMap<string, 'whole' | 'half'>> {
  const listing = await nft('list tables\n')
  const names = [...listing.matchAll(/^table (?:inet|bridge) (coracle-[0-9a-f]{12})$/gm)].map(([, name = '']) => name)
  const counts = Map.groupBy(names, (name) => name)
  return new Map([...counts].map(([name, all]) => [name, all.length === 2 ? 'whole' : 'half']))
}

/** Of which data root a table is. undefined for one that is gone by now, or says nothing. */
export async function tableOwner(name: string): Promise<string | undefined> {
  for (const family of ['inet', 'bridge']) {
    const owner = /^\s*comment "coracle ([0-9a-f]{16})"$/m.exec(await listed(`list table ${family} ${name}\n`))?.[1]
    if (owner !== undefined) return owner
  }
  return undefined
}

async function listed(script: string): Promise<string> {
  try {
    return await nft(script)
  } catch (error) {
    if (error instanceof RulesRefused) return ''
    throw error
  }
}

/** Made, so that there is something to delete: nft refuses to delete what is not there. */
function removal(table: string): string {
  return ['inet', 'bridge'].map((family) => `table ${family} ${table}\ndelete table ${family} ${table}\n`).join('')
}

/** @throws {NftMissing} @throws {RulesRefused} */
async function nft(script: string): Promise<string> {
  const child = spawn(findNft(), ['-f', '-'], { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  })
  child.stdin.on('error', () => {}) // one that ends early says why
  child.stdin.end(script)
  const [status, output, problem] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (status !== 0) throw new RulesRefused(problem.trim().split('\n')[0] ?? `it ended with ${status}`)
  return output
}
