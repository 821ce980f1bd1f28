/** Looking at a path inside of a container, and telling what went wrong in docker's words. */
import { join } from 'node:path/posix'
import { TYPE } from '../../archive/tree-sinks.ts'
import { byteString } from '../../linux/apply.ts'
import { type InsideStat, type ReadOptions, statInside } from '../../linux/archive.ts'
import { ApplyFailed } from '../../linux/errors.ts'
import { CopyImpossible, FileNotFound } from './errors.ts'

const ENOTDIR = 20
const EISDIR = 21
const EROFS = 30

export interface LookOptions extends Pick<ReadOptions, 'idMaps'> {
  readonly root: string
  readonly follow: boolean
}

/** @throws {CopyImpossible} a file stands where a directory was asked for */
export async function lookInside(path: string, { root, ...options }: LookOptions): Promise<InsideStat | undefined> {
  try {
    return await statInside(root, byteString(path), options)
  } catch (error) {
    if (!(error instanceof ApplyFailed)) throw error
    throw new CopyImpossible(`lstat ${path}: ${error.reason.toLowerCase()}`, { cause: error })
  }
}

/** @throws {FileNotFound} also for what the kernel shows of itself: that is no file to copy */
export function existing(found: InsideStat | undefined, path: string, container: string): InsideStat {
  if (found === undefined || found.pseudo) throw new FileNotFound(path, container)
  return found
}

export function isDirectory({ mode }: Pick<InsideStat, 'mode'>): boolean {
  return (mode & TYPE.mask) === TYPE.directory
}

export function isFile({ mode }: Pick<InsideStat, 'mode'>): boolean {
  return (mode & TYPE.mask) === TYPE.file
}

/** What the native program says of a merge, in docker's words. @param base - what its names are relative to */
export function mergeFailure(error: unknown, base: string, directory: string): unknown {
  if (!(error instanceof ApplyFailed)) return error
  const target = JSON.stringify(join(base, error.object))
  const into = JSON.stringify(directory)
  if (error.doing === 'merge' && error.errno === EISDIR)
    return new CopyImpossible(`cannot overwrite directory ${target} with non-directory ${into}`)
  if (error.doing === 'merge' && error.errno === ENOTDIR)
    return new CopyImpossible(`cannot overwrite non-directory ${target} with directory ${into}`)
  if (error.doing === 'merge') return new CopyImpossible(`cannot replace ${target}: something is mounted there`)
  if (error.errno === EROFS) return new CopyImpossible(`${target} is on a read-only file system`, { cause: error })
  return error
}
