/** What the exit hook of an `exec` does whose command did not wait for its end. */
import { readExitRecord } from '../../linux/exit-record.ts'
import type { ContainerRoom } from '../room.ts'
import { execRunDirectory, removeExecDirectory } from './run-directory.ts'
import { finishExec } from './start.ts'

/** Idempotent; a container that has gone in the meantime has taken everything along. */
export function recordExecEnd(room: ContainerRoom, id: string, execId: string): void {
  const directory = execRunDirectory(room.paths, id, execId)
  const exit = readExitRecord(directory)
  if (exit === undefined) removeExecDirectory(directory)
  else finishExec(room, { id, execId, directory }, exit.status)
}
