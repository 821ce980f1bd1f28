/**
 * One at a time where steps of several commands must not mix: a start, the recording of an end, work on the files of a
 * stopped container. The lock of a dead process is nobody's.
 */
import { acquireLock } from '../state/lock.ts'
import type { ContainerRoom } from './room.ts'

/** Not reentrant. */
export async function holding<Result>(
  { database }: Pick<ContainerRoom, 'database'>,
  id: string,
  work: () => Promise<Result>,
): Promise<Result> {
  using lock = await acquireLock(database, `container:${id}`)
  void lock
  return await work()
}
