/** `port`: what of a container is reachable from the host. */
import { findContainer } from './find.ts'
import type { ContainerRoom } from './room.ts'
import type { PortBinding } from './types.ts'

/** None as long as containers have no network but their own loopback, the host's, or another container's. */
export async function containerPorts(room: ContainerRoom, name: string): Promise<readonly PortBinding[]> {
  await findContainer(room, name)
  return []
}
