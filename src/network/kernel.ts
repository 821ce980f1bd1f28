/** What of networks is in the kernel beside the links: rules. And what is taken away together with them. */
import { existsSync } from 'node:fs'
import { bridgeOf, linkOf } from './link-names.ts'
import { isOn } from './options.ts'
import { type EndpointRecord, type NetworkRecord, readNetwork } from './records.ts'
import type { NetworkRoom } from './room.ts'
import type { RuleNetwork } from './rules/types.ts'

export function ruleNetwork({ id, subnets, internal, options }: NetworkRecord): RuleNetwork {
  return {
    id,
    bridge: bridgeOf(id),
    subnets: subnets.map(({ subnet }) => subnet),
    internal,
    masquerade: !internal && isOn(options, 'enable_ip_masquerade'),
    icc: isOn(options, 'enable_icc'),
  }
}

/** Idempotent. @throws {NftMissing} @throws {RulesRefused} */
export async function makeKernelNetwork(network: NetworkRecord): Promise<void> {
  const { ensureNetworkRules } = await import('./rules/rules.ts')
  await ensureNetworkRules(ruleNetwork(network))
}

/** The bridge and the rules of a network that nobody is on. Idempotent. */
export async function removeKernelNetwork(_room: NetworkRoom, id: string): Promise<void> {
  const [{ removeNetworkRules }, { removeLinks }] = await Promise.all([
    import('./rules/rules.ts'),
    import('../linux/wire.ts'),
  ])
  await Promise.all([removeNetworkRules(id), removeLinks([bridgeOf(id)])])
}

/**
 * Links and rules of endpoints. The supervisor takes the links along with the container's end; they are still there
 * where it was killed, or the container lives on.
 */
export async function removeKernelEndpoints(
  { database }: NetworkRoom,
  endpoints: readonly EndpointRecord[],
): Promise<void> {
  const links = endpoints.map(({ id }) => linkOf(id)).filter((name) => existsSync(`/sys/class/net/${name}`))
  await Promise.all([
    removeLeftLinks(links),
    ...endpoints.map(async ({ network: id, ports }) => {
      const network = readNetwork(database, id)
      if (network === undefined || ports.length === 0) return
      const { unpublishPorts } = await import('./rules/rules.ts')
      await unpublishPorts(ruleNetwork(network), ports)
    }),
  ])
}

async function removeLeftLinks(names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const { removeLinks } = await import('../linux/wire.ts')
  await removeLinks(names)
}
