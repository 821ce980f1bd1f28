/** `port`: what of a container is reachable from the host. */
import { helperMode } from '../network/helpers/choose.ts'
import { readHelperState } from '../network/helpers/state.ts'
import { describePorts, inOrder, portsText, shownIp } from '../network/ports/describe.ts'
import { endpointsOf } from '../network/records.ts'
import type { PublishedPort } from '../network/types.ts'
import { containerRunDirectory } from '../paths.ts'
import { findContainer } from './find.ts'
import type { ContainerRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { PortBinding } from './types.ts'

/** Of one that runs; none of any other. */
export async function containerPorts(room: ContainerRoom, name: string): Promise<readonly PortBinding[]> {
  return inOrder(publishedPorts(room, await findContainer(room, name))).map((port) => ({
    containerPort: `${port.containerPort}/${port.protocol}`,
    hostIp: shownIp(port),
    hostPort: String(port.hostPort),
  }))
}

type Described = Pick<ContainerRecord, 'id' | 'settings'>
type Room = Pick<ContainerRoom, 'database' | 'paths'>

function publishedPorts({ database, paths }: Room, { id, settings }: Described): readonly PublishedPort[] {
  if (helperMode(settings.host.NetworkMode) !== undefined)
    return readHelperState(containerRunDirectory(paths, id))?.ports ?? []
  return endpointsOf(database, { container: id }).flatMap(({ ports }) => ports)
}

/** `NetworkSettings.Ports`. */
export function describeContainerPorts(room: Room, record: Described): object {
  return describePorts(publishedPorts(room, record), Object.keys(record.settings.config.ExposedPorts ?? {}))
}

/** The column of `ps`. */
export function containerPortsText(room: Room, record: Described): string {
  return portsText(publishedPorts(room, record), Object.keys(record.settings.config.ExposedPorts ?? {}))
}
