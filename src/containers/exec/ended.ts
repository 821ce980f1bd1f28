/** What the exit hook of an `exec` or `debug` does whose command did not wait for its end. */
import { existsSync } from 'node:fs'
import { readExitRecord } from '../../linux/exit-record.ts'
import type { ContainerRoom } from '../room.ts'
import { execRunDirectory, removeExecFiles, stoppedRunDirectory } from './run-directory.ts'
import { finishExec } from './start.ts'

/** Idempotent; a container that has gone in the meantime has taken everything along. */
export async function recordExecEnd(room: ContainerRoom, id: string, execId: string): Promise<void> {
  const beside = stoppedRunDirectory(room.paths, execId)
  const directory = existsSync(beside) ? beside : execRunDirectory(room.paths, id, execId)
  const exit = readExitRecord(directory)
  if (exit === undefined) await removeExecFiles(room.paths, { id, execId, directory })
  else await finishExec(room, { id, execId, directory }, exit.status)
}
