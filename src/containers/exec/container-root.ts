/** The files of a container that runs, as its own processes see them. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import type { RunningContainer } from '../../plugins/contract.ts'
import { parseStartTime } from '../../util/process-identity.ts'
import { ContainerEnded } from './errors.ts'
import { readRootedFile } from './rooted-file.ts'

export interface ContainerFiles {
  /** Empty when it is missing, no regular file, or too large to be what it says. */
  read(path: string): string
  [Symbol.dispose](): void
}

/** passwd and group files larger than this are taken for hostile, and for missing. */
const MAX_BYTES = 4 << 20

/**
 * @param below - the container's root, as the first process of the backend sees it: `/`, but for a foreign runtime
 * @throws {ContainerEnded}
 */
export function openContainerFiles({ id, pid, startTime }: RunningContainer, below: string): ContainerFiles {
  let root: number
  try {
    // A descriptor of /proc/PID names the process for good: a reused pid is not reached through it.
    const process = openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      if (parseStartTime(readFileSync(`/proc/self/fd/${process}/stat`, 'utf8')) !== startTime)
        throw new ContainerEnded(id)
      root = openSync(`/proc/self/fd/${process}/root${below}`, constants.O_RDONLY | constants.O_DIRECTORY)
    } finally {
      closeSync(process)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') throw new ContainerEnded(id, { cause: error })
    throw error
  }
  return {
    read: (path) => readRootedFile(root, path, MAX_BYTES) ?? '',
    [Symbol.dispose]: () => closeSync(root),
  }
}
