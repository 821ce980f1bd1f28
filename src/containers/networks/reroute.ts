/** A running container whose networks have changed: its way out, its published ports and its resolver follow. */
import type { HostStep } from '../../linux/plan.ts'
import { wireRunning } from '../../linux/wire.ts'
import { isBridged } from '../../network/drivers.ts'
import { endpointsOf, readNetwork } from '../../network/records.ts'
import type { Connected } from '../../network/types.ts'
import { isAlive } from '../../util/process-identity.ts'
import { containerDirectories } from '../directories.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { forgetPorts, idlePorts } from './idle-ports.ts'
import { movePorts } from './publish.ts'
import { refreshResolver } from './resolver.ts'

/** The networks it is on now, in the order of their interfaces. */
export function connections({ database }: Pick<ContainerRoom, 'database'>, container: string): readonly Connected[] {
  return endpointsOf(database, { container }).flatMap((endpoint) => {
    const network = readNetwork(database, endpoint.network)
    return network === undefined ? [] : [{ network, endpoint }]
  })
}

/** Links that have no other end on the host, whose removal would take them along. */
export async function removeInner({ process }: ContainerRecord, left: readonly Connected[]): Promise<void> {
  const links = left.filter((one) => !isBridged(one)).map(({ endpoint }) => endpoint.interface)
  if (process === undefined || !isAlive(process) || links.length === 0) return
  await wireRunning(process, { host: [], child: links.map((link) => ({ do: 'link-delete', link })) })
}

/** @param options - `hasLeft`: the way out may have gone with a network */
export async function reroute(
  room: ContainerRoom,
  record: ContainerRecord,
  { hasLeft = false }: { readonly hasLeft?: boolean } = {},
): Promise<void> {
  if (record.process === undefined || !isAlive(record.process)) return // it is just ending
  const connected = connections(room, record.id)
  const { data: directory, run } = containerDirectories(room.paths, record.id)
  await refreshResolver(room, record, { directory, run, connected })
  const way = connected.find(({ network }) => !network.internal)
  const host = await leadPorts(room, run, connected)
  const { routeSteps } = await import('../../network/attach.ts')
  const child = !hasLeft || way === undefined ? [] : routeSteps(way)
  if (host.length > 0 || child.length > 0) await wireRunning(record.process, { host, child })
  if (host.length > 0) forgetPorts(run)
}

/** Those held for a network that the container has left lead to another one, as soon as it is on one that publishes. */
async function leadPorts(
  room: ContainerRoom,
  run: string,
  connected: readonly Connected[],
): Promise<readonly HostStep[]> {
  const ports = idlePorts(run)
  const ways = connected.filter(({ network }) => !network.internal && isBridged({ network }))
  const way = ways.find(({ endpoint }) => endpoint.ports.length > 0) ?? ways[0]
  return way === undefined || ports.length === 0 ? [] : movePorts(room, way, ports)
}
