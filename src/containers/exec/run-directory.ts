/** Where the supervisor of one `exec` lives: below its container's, so that it goes with the container at the latest. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { removeFiles } from '../../linux/remove-files.ts'
import { containerDirectory, containerRunDirectory, type Paths } from '../../paths.ts'
import { removeAll } from '../../util/remove-all.ts'
import { ContainerEnded } from './errors.ts'

/** @param execId - 64 hexadecimal digits; eight do here, because addresses of sockets are short */
export function execRunDirectory(paths: Paths, id: string, execId: string): string {
  return join(containerRunDirectory(paths, id), `e-${execId.slice(0, 8)}`)
}

/** Of `debug` beside a container that does not run, and has no run directory. */
export function stoppedRunDirectory(paths: Paths, execId: string): string {
  return join(stoppedRunDirectories(paths), execId.slice(0, 16))
}

export function stoppedRunDirectories(paths: Paths): string {
  return join(paths.run, 'd')
}

/** The control groups of such a one. */
export function stoppedGroup(execId: string): string {
  return `/coracle/debug-${execId.slice(0, 16)}`
}

/** Where the files of `debug` are: below the container's own directory, so that they go with it at the latest. */
export function toolboxDirectory(paths: Paths, id: string, execId: string): string {
  return join(containerDirectory(paths, id), `debug-${execId.slice(0, 8)}`)
}

/** @throws {ContainerEnded} the container's own is gone */
export function makeExecDirectory(paths: Paths, id: string, execId: string): string {
  const directory = execRunDirectory(paths, id, execId)
  try {
    // Not the container's: whoever removes it would miss it when it came back.
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ContainerEnded(id, { cause: error })
    throw error
  }
  return directory
}

export interface ExecPlace {
  readonly id: string
  readonly execId: string
  /** Its own run directory. */
  readonly directory: string
}

/** All files of one exec or debug. Idempotent. */
export async function removeExecFiles(paths: Paths, { id, execId, directory }: ExecPlace): Promise<void> {
  removeAll(directory)
  const toolbox = toolboxDirectory(paths, id, execId)
  if (!existsSync(toolbox)) return
  await removeFiles(toolbox)
}
