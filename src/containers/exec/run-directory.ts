/** Where the supervisor of one `exec` lives: below its container's, so that it goes with the container at the latest. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { containerRunDirectory, type Paths } from '../../paths.ts'
import { ContainerEnded } from './errors.ts'

/** @param execId - 64 hexadecimal digits; eight do here, because addresses of sockets are short */
export function execRunDirectory(paths: Paths, id: string, execId: string): string {
  return join(containerRunDirectory(paths, id), `e-${execId.slice(0, 8)}`)
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

/** Idempotent. */
export function removeExecDirectory(directory: string): void {
  // A supervisor on its way out may still write into it.
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
}
