/** `logs --net`. */
import { readTried } from '../../network/names/tried.ts'
import type { Tried } from '../../network/names/types.ts'
import { containerDirectories } from '../directories.ts'
import { findContainer } from '../find.ts'
import type { ContainerRoom } from '../room.ts'
import { resolverDirectory } from './resolver.ts'

/** See `ContainerEngine.tried`. */
export async function triedBy(room: ContainerRoom, name: string): Promise<readonly Tried[]> {
  const { id } = await findContainer(room, name)
  return readTried(resolverDirectory(containerDirectories(room.paths, id).data))
}
