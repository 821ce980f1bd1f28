/** A full disk in words that help: which path, how much is missing and free, what to remove. */
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'
import { isDatabaseFull } from './database.ts'

export class DiskFull extends CoracleError {
  override readonly code = 'STORE_FULL'
  override readonly status = 507
  /** @param neededBytes - how much more is needed, as far as anybody knows; 0: nobody does */
  constructor(path: string, neededBytes: number, options?: CoracleErrorOptions) {
    const free = freeBytes(path)
    const words =
      neededBytes > 0 ? `at least ${neededBytes} more bytes are needed, ${free} are free` : `${free} bytes are free`
    super(`no space left on the device of ${path}: ${words}`, {
      hint: 'free some: coracle system prune, or point CORACLE_ROOT at a larger file system',
      ...options,
    })
  }
}

/** On the file system of the path, or of what is left of it, for an ordinary user. */
function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path) return freeBytes(dirname(path))
    throw error
  }
}

/** The kernel says ENOSPC too when it runs out of something else: watches, mounts, processors of a control group. */
export function isDiskFull(error: unknown): boolean {
  const { code, message, syscall, path } = (error ?? {}) as NodeJS.ErrnoException
  if (isDatabaseFull(error) || code === 'EDQUOT') return true
  if (code === 'ENOSPC') return syscall !== 'watch' && path?.startsWith('/sys/') !== true
  // The native program reports in words (strerror, which no locale changes: it is linked statically).
  return (
    (code === 'LAUNCH_FAILED' || code === 'APPLY_FAILED') &&
    /No space left on device|Disk quota exceeded/i.test(message ?? '')
  )
}

/**
 * The last chance for a failure that nobody has put into words: of a write somewhere in the data root, or the database.
 *
 * @param path - where it was, unless the error knows better
 */
export function explainDiskFull(error: unknown, path: string): unknown {
  if (error instanceof DiskFull || !isDiskFull(error)) return error
  const { path: where } = error as NodeJS.ErrnoException
  return new DiskFull(where ?? path, 0, { cause: error })
}
