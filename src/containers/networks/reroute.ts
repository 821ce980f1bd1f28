/** A running container whose networks have changed: its way out, its published ports and its resolver follow. */
import { wireRunning } from '../../linux/wire.ts'
import { isBridged } from '../../network/drivers.ts'
import { type EndpointRecord, endpointsOf, readNetwork } from '../../network/records.ts'
import type { Connected } from '../../network/types.ts'
import { isAlive } from '../../util/process-identity.ts'
import { containerDirectories } from '../directories.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
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

/** @param left - what it is no longer on; undefined: it has only come to more */
export async function reroute(
  room: ContainerRoom,
  record: ContainerRecord,
  left?: readonly EndpointRecord[],
): Promise<void> {
  if (record.process === undefined || !isAlive(record.process)) return // it is just ending
  const connected = connections(room, record.id)
  const { data: directory, run } = containerDirectories(room.paths, record.id)
  await refreshResolver(room, record, { directory, run, connected })
  const way = connected.find(({ network }) => !network.internal)
  if (left === undefined || way === undefined) return
  const { routeSteps } = await import('../../network/attach.ts')
  const ports = isBridged(way) ? left.flatMap((endpoint) => endpoint.ports) : []
  await wireRunning(record.process, { host: await movePorts(room, way, ports), child: routeSteps(way) })
}
