/** A host's `stat` as preview 1 has it. */
import type { BigIntStats, Dirent, Stats } from 'node:fs'
import { FILE_TYPE, type FileType } from './abi.ts'
import { exactTimes } from './exact-times.ts'
import type { FileStatus } from './files.ts'

export function statusOf(stats: BigIntStats): FileStatus {
  const exact = exactTimes(stats)
  return {
    device: stats.dev,
    inode: stats.ino,
    type: typeOf(stats),
    links: stats.nlink,
    size: stats.size,
    accessedNs: exact.accessedNs,
    modifiedNs: exact.modifiedNs,
    changedNs: stats.ctimeNs,
  }
}

export function typeOf(file: BigIntStats | Stats | Dirent<Buffer> | Dirent): FileType {
  if (file.isFile()) return FILE_TYPE.regularFile
  if (file.isDirectory()) return FILE_TYPE.directory
  if (file.isSymbolicLink()) return FILE_TYPE.symbolicLink
  if (file.isCharacterDevice()) return FILE_TYPE.characterDevice
  if (file.isBlockDevice()) return FILE_TYPE.blockDevice
  if (file.isSocket()) return FILE_TYPE.socketStream
  return FILE_TYPE.unknown
}
