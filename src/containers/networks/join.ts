/** A container about to run comes to its networks: leases, rules, names, and the steps that wire it up. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import { helperMode } from '../../network/helpers/choose.ts'
import { DEFAULT_NETWORK } from '../../network/predefined.ts'
import { endpointsOf } from '../../network/records.ts'
import type { Connected, ConnectionRequest } from '../../network/types.ts'
import type { NetworkSteps } from '../../plugins/contract.ts'
import { hostFiles } from '../bundle.ts'
import type { NetworkAttachment } from '../config.ts'
import type { ContainerDirectories } from '../directories.ts'
import type { Draft } from '../draft.ts'
import { isRootless } from '../host.ts'
import { findRecord, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { publishFor } from './publish.ts'
import { resolverFor } from './resolver.ts'

/** @returns undefined for a container without networks of its own */
export async function joinConfigured(
  room: ContainerRoom,
  draft: Draft,
  directories: ContainerDirectories,
): Promise<NetworkSteps | undefined> {
  const { config, host } = draft.settings
  const helper = helperMode(host.NetworkMode)
  if (helper !== undefined) {
    const { joinHelper } = await import('./join-helper.ts')
    return joinHelper(draft, directories, helper)
  }
  const networks = (host.Networks ?? []).filter(({ Name }) => Name !== '')
  if (networks.length === 0) return standby(room, draft, directories)
  const { joinNetworks, wiringSteps } = await import('../../network/attach.ts')
  const name = readRecord(room.database, draft.id)?.name ?? draft.name
  const named = { id: draft.id, name, hostname: config.Hostname }
  const requests = networks.map((one) => requestOf(one, named))
  const [main, ...others] = requests
  const mac = main?.mac ?? config.MacAddress
  const wanted = main === undefined ? others : [{ ...main, mac }, ...others]
  const connected = await joinNetworks(room, named, wanted)
  const published = await publishFor(room, draft, connected)
  const resolver = await resolverFor(room, draft, { directory: directories.data, connected })
  writeHostFiles(room, draft, { directories, connected, resolver: resolver.address })
  const steps = wiringSteps(connected, { rate: host.NetworkRate })
  return {
    before: [...steps.before, ...published.before],
    after: [...steps.after, ...published.after, ...resolver.steps],
    child: steps.child,
  }
}

/**
 * One on no network may be connected to one later: its supervisor has to know where a resolver would look, and what the
 * container may not reach is settled before it runs.
 */
async function standby(
  room: ContainerRoom,
  draft: Draft,
  directories: ContainerDirectories,
): Promise<NetworkSteps | undefined> {
  const { NetworkMode } = draft.settings.host
  if (NetworkMode !== 'none' || draft.backendName.startsWith('oci:') || isRootless()) return undefined
  const resolver = await resolverFor(room, draft, { directory: directories.data, connected: [] })
  if (resolver.address !== undefined)
    writeHostFiles(room, draft, { directories, connected: [], resolver: resolver.address })
  return { before: [], after: resolver.steps, child: [], standby: true }
}

export interface Named {
  readonly id: string
  readonly name: string
  readonly hostname: string
}

/** Others find it by its name, its aliases and the start of its id; on the default network, as docker has it, by none. */
export function requestOf(one: NetworkAttachment, { id, name, hostname }: Named): ConnectionRequest {
  const own = [name, ...one.Aliases, id.slice(0, 12), ...(hostname === '' ? [] : [hostname])]
  return {
    network: one.Name,
    names: one.Name === DEFAULT_NETWORK ? [] : own,
    ...(one.IPv4Address !== '' && { ipv4: one.IPv4Address }),
    ...(one.IPv6Address !== '' && { ipv6: one.IPv6Address }),
    ...(one.MacAddress !== '' && { mac: one.MacAddress }),
  }
}

interface Placed {
  readonly directories: ContainerDirectories
  readonly resolver: string | undefined
  readonly connected: readonly Connected[]
}

function writeHostFiles(room: ContainerRoom, draft: Draft, { directories, connected, resolver }: Placed): void {
  const addresses = connected.flatMap(({ endpoint: { ipv4, ipv6 } }) =>
    [ipv4, ipv6].filter((address) => address !== undefined),
  )
  const files = hostFiles(draft, {
    addresses,
    links: linkLines(room, draft, connected),
    resolver,
    hostGateway: connected[0]?.network.subnets[0]?.gateway,
  })
  writeFileSync(join(directories.data, 'hosts'), files.hosts)
  writeFileSync(join(directories.data, 'resolv.conf'), files.resolv)
}

/** `--link`: another container's address under a name of one's own. @throws {InvalidArgument} it does not run */
function linkLines({ database }: ContainerRoom, draft: Draft, connected: readonly Connected[]): readonly string[] {
  return (draft.settings.host.Links ?? []).map((link) => {
    const [target = '', alias = target] = link.split(':')
    const record = findRecord(database, target)
    const endpoint = endpointsOf(database, { container: record.id }).find(({ network }) =>
      connected.some((one) => one.network.id === network),
    )
    if (endpoint === undefined)
      throw new InvalidArgument(
        `Cannot link to a non running container: /${record.name} AS /${readRecord(database, draft.id)?.name ?? draft.name}/${alias}`,
        { hint: 'start it first, on a network that both are on' },
      )
    const names = [...new Set([alias, record.id.slice(0, 12), record.name])]
    return `${endpoint.ipv4 ?? endpoint.ipv6 ?? ''}\t${names.join(' ')}`
  })
}
