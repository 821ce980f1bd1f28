/** A host's `stat` as preview 1 has it. */
import type { BigIntStats, Dirent } from 'node:fs'
import { FILE_TYPE, type FileType } from './abi.ts'
import { exactTimes } from './exact-times.ts'
import type { FileStatus } from './files.ts'

/** By the upper bits of a mode (inode(7)). */
const TYPES: readonly FileType[] = Array.from({ length: 16 }, (_, bits) => {
  if (bits === 2) return FILE_TYPE.characterDevice
  if (bits === 4) return FILE_TYPE.directory
  if (bits === 6) return FILE_TYPE.blockDevice
  if (bits === 8) return FILE_TYPE.regularFile
  if (bits === 10) return FILE_TYPE.symbolicLink
  return bits === 12 ? FILE_TYPE.socketStream : FILE_TYPE.unknown
})

export const typeOfMode = (mode: number): FileType => TYPES[(mode >> 12) & 15] ?? FILE_TYPE.unknown

export const isPipe = (mode: number): boolean => ((mode >> 12) & 15) === 1

export function statusOf(stats: BigIntStats): FileStatus {
  const exact = exactTimes(stats)
  return {
    device: stats.dev,
    inode: stats.ino,
    type: typeOfMode(Number(stats.mode)),
    links: stats.nlink,
    size: stats.size,
    accessedNs: exact.accessedNs,
    modifiedNs: exact.modifiedNs,
    changedNs: stats.ctimeNs,
  }
}

export function typeOf(file: Dirent<Buffer> | Dirent): FileType {
  if (file.isFile()) return FILE_TYPE.regularFile
  if (file.isDirectory()) return FILE_TYPE.directory
  if (file.isSymbolicLink()) return FILE_TYPE.symbolicLink
  if (file.isCharacterDevice()) return FILE_TYPE.characterDevice
  if (file.isBlockDevice()) return FILE_TYPE.blockDevice
  if (file.isSocket()) return FILE_TYPE.socketStream
  return FILE_TYPE.unknown
}
