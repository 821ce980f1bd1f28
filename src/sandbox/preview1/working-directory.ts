/**
 * One component of a directory that is held by a descriptor. Node has no openat; two things are the same as it: the path
 * `/proc/self/fd/N/NAME`, for the kernel goes to what descriptor N holds, wherever that is by now; and NAME alone, when what
 * descriptor N holds is the working directory of this process, which stays the same one however it is renamed. The second is
 * half the work for the kernel, if many calls in a row are about one directory.
 */
import { existsSync, readlinkSync } from 'node:fs'

export interface Handle {
  readonly fd: number
}

/** Where the process was before; asked of the kernel, because Node throws when that has been removed. */
const home = readlinkSync('/proc/self/cwd')
let current: Handle | undefined
let asked: Handle | undefined

/** A path to be used by the very next call, before another directory is asked for. */
export function below(handle: Handle, name: string): string {
  if (current === handle) return name
  // Who is asked for once may be one of many that take turns. And threads share one working directory.
  if (asked !== handle || !workIn(through(handle, ''))) {
    asked = handle
    return through(handle, name)
  }
  current = handle
  return name
}

/** Whether this thread may choose where it works. All share one directory, and Node refuses every thread but the first. */
let chooses = true

function workIn(path: string): boolean {
  if (!chooses) return false
  current = undefined
  try {
    process.chdir(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_UNSUPPORTED_OPERATION')) throw error
    chooses = false
  }
  return chooses
}

/** A path that stays right whatever the working directory is. */
export function through({ fd }: Handle, name: string): string {
  return `/proc/self/fd/${fd}/${name}`
}

/**
 * Whether `path`, which others may have made lead anywhere, leads to what the handle holds. Only when it does is it worked in.
 *
 * @param isIt - whether a path is the handle's, by its numbers
 */
export function leadsTo(handle: Handle, path: string, isIt: (path: string) => boolean): boolean {
  try {
    if (current === handle || !workIn(path)) return isIt(path)
    if (isIt('.')) current = handle
    return current === handle
  } catch {
    return false // the way is gone, or blocked, which is all that is asked
  }
}

/** Before its descriptor is closed. */
export function leave(handle: Handle): void {
  if (current !== handle) return
  current = undefined
  process.chdir(existsSync(home) ? home : '/')
}
