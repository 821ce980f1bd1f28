/** What of networks is in the kernel beside the links: rules. And what is taken away together with them. */
import { existsSync } from 'node:fs'
import type { HostStep } from '../linux/plan.ts'
import { bridgeOf, groupOf, linkOf, shaperOf } from './link-names.ts'
import { isOn, obeysInput } from './options.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'
import type { NetworkRoom } from './room.ts'
import type { RuleNetwork } from './rules/types.ts'

function ruleNetwork(owner: string, { id, subnets, internal, options }: NetworkRecord): RuleNetwork {
  return {
    id,
    bridge: bridgeOf(id),
    group: groupOf(id),
    owner,
    subnets: subnets.map(({ subnet }) => subnet),
    gateways: subnets.map(({ gateway }) => gateway),
    internal,
    masquerade: !internal && isOn(options, 'enable_ip_masquerade'),
    obeysInput: obeysInput(options, process.env),
    icc: isOn(options, 'enable_icc'),
  }
}

/** Idempotent. @throws {NftMissing} @throws {RulesRefused} */
export async function makeKernelNetwork(room: NetworkRoom, network: NetworkRecord): Promise<void> {
  const [{ ensureNetworkRules }, { ownerOf }] = await Promise.all([import('./rules/rules.ts'), import('./owner.ts')])
  await ensureNetworkRules(ruleNetwork(ownerOf(room), network))
}

/** All that somebody has flushed: rules, and whom and what they let through. */
export async function restoreKernelNetwork(
  room: NetworkRoom,
  network: NetworkRecord,
  endpoints: readonly EndpointRecord[],
): Promise<void> {
  await makeKernelNetwork(room, network)
  const [{ wireHost }, { additions, endpointElements, portElements }] = await Promise.all([
    import('../linux/wire.ts'),
    import('./rules/elements.ts'),
  ])
  const elements = endpoints.flatMap((endpoint) => [
    ...endpointElements(network.id, { ...endpoint, link: linkOf(endpoint.id) }),
    ...portElements(network.id, endpoint.ports),
  ])
  await wireHost(additions(elements))
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
 * Links and rules of endpoints. The supervisor takes them along with the container's end; they are still there where it
 * was killed, or the container lives on. A killed one leaves no link, but the ports that led to it.
 */
export async function removeKernelEndpoints(endpoints: readonly EndpointRecord[]): Promise<void> {
  const left = endpoints.filter(({ id, ports }) => ports.length > 0 || linksOf(id).some(isThere))
  if (left.length === 0) return
  const [{ wireHost }, { endpointElements, portElements, removals }] = await Promise.all([
    import('../linux/wire.ts'),
    import('./rules/elements.ts'),
  ])
  await wireHost(
    left.flatMap((endpoint): HostStep[] => {
      const { id, network, ports } = endpoint
      const link = linkOf(id)
      const elements = [...portElements(network, ports), ...endpointElements(network, { ...endpoint, link })]
      return [...removals(elements), ...linksOf(id).map((name): HostStep => ({ do: 'link-delete', link: name }))]
    }),
  )
}

function linksOf(endpointId: string): readonly string[] {
  return [linkOf(endpointId), shaperOf(endpointId)]
}

function isThere(link: string): boolean {
  return existsSync(`/sys/class/net/${link}`)
}
