/** `port`: what of a container is reachable from the host. */
import { describePorts, inOrder, portsText, shownIp } from '../network/ports/describe.ts'
import { endpointsOf } from '../network/records.ts'
import type { PublishedPort } from '../network/types.ts'
import { findContainer } from './find.ts'
import type { ContainerRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { PortBinding } from './types.ts'

/** Of one that runs; none of any other. */
export async function containerPorts(room: ContainerRoom, name: string): Promise<readonly PortBinding[]> {
  const { id } = await findContainer(room, name)
  return inOrder(publishedPorts(room, id)).map((port) => ({
    containerPort: `${port.containerPort}/${port.protocol}`,
    hostIp: shownIp(port),
    hostPort: String(port.hostPort),
  }))
}

function publishedPorts({ database }: Pick<ContainerRoom, 'database'>, container: string): readonly PublishedPort[] {
  return endpointsOf(database, { container }).flatMap(({ ports }) => ports)
}

type Described = Pick<ContainerRecord, 'id' | 'settings'>

/** `NetworkSettings.Ports`. */
export function describeContainerPorts(room: Pick<ContainerRoom, 'database'>, { id, settings }: Described): object {
  return describePorts(publishedPorts(room, id), Object.keys(settings.config.ExposedPorts ?? {}))
}

/** The column of `ps`. */
export function containerPortsText(room: Pick<ContainerRoom, 'database'>, { id, settings }: Described): string {
  return portsText(publishedPorts(room, id), Object.keys(settings.config.ExposedPorts ?? {}))
}
