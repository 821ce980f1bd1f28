/** Reading, writing and seeking. */
import { FD_FLAG, FILE_TYPE, RIGHT, WHENCE } from './abi.ts'
import { type Context, unsigned, type WasiFunctions } from './context.ts'
import type { FileDescriptor } from './descriptors.ts'
import { Refusal } from './errno.ts'

export function ioFunctions({ memory, descriptors }: Context): WasiFunctions {
  /** The result's place is looked at before anything is moved. */
  const vectors = (at: number, count: number, resultAt: number): Uint8Array[] => {
    memory.need(resultAt, 4)
    return memory.vectors(at, count)
  }
  const placed = (fd: number, rights: number, offset: bigint) => {
    const file = descriptors.file(fd, rights)
    if (file.type !== FILE_TYPE.regularFile) throw new Refusal('ESPIPE')
    return { file, position: safePosition(unsigned(offset)) }
  }
  return {
    fd_read: (fd: number, at: number, count: number, resultAt: number) => {
      const file = descriptors.file(fd, RIGHT.fdRead)
      memory.writeU32(resultAt, readNext(file, vectors(at, count, resultAt)))
    },
    fd_write: (fd: number, at: number, count: number, resultAt: number) => {
      const file = descriptors.file(fd, RIGHT.fdWrite)
      memory.writeU32(resultAt, writeNext(file, vectors(at, count, resultAt)))
    },
    fd_pread: (fd: number, at: number, count: number, offset: bigint, resultAt: number) => {
      const { file, position } = placed(fd, RIGHT.fdRead | RIGHT.fdSeek, offset)
      const buffers = vectors(at, count, resultAt)
      memory.writeU32(resultAt, buffers.length === 0 ? 0 : file.open.read(buffers, position))
    },
    fd_pwrite: (fd: number, at: number, count: number, offset: bigint, resultAt: number) => {
      const { file, position } = placed(fd, RIGHT.fdWrite | RIGHT.fdSeek, offset)
      const buffers = vectors(at, count, resultAt)
      memory.writeU32(resultAt, buffers.length === 0 ? 0 : file.open.write(buffers, position))
    },
    fd_seek: (fd: number, offset: bigint, whence: number, resultAt: number) => {
      memory.need(resultAt, 8)
      // Asking where one is needs no more than the right to be told.
      const tells = offset === 0n && whence === WHENCE.current
      const file = descriptors.file(fd, 0)
      const able = RIGHT.fdSeek | (tells ? RIGHT.fdTell : 0)
      if ((file.rights & able) === 0) throw new Refusal(isStream(file) ? 'ESPIPE' : 'ENOTCAPABLE')
      memory.writeU64(resultAt, seek(file, offset, whence))
    },
    fd_tell: (fd: number, resultAt: number) => {
      const file = descriptors.file(fd, 0)
      if (isStream(file)) throw new Refusal('ESPIPE')
      if ((file.rights & (RIGHT.fdTell | RIGHT.fdSeek)) === 0) throw new Refusal('ENOTCAPABLE')
      memory.writeU64(resultAt, BigInt(file.position))
    },
  }
}

const isStream = ({ type }: FileDescriptor): boolean => type !== FILE_TYPE.regularFile

function readNext(file: FileDescriptor, buffers: Uint8Array[]): number {
  if (buffers.length === 0) return 0
  if (isStream(file)) return file.open.read(buffers, undefined)
  const count = file.open.read(buffers, file.position)
  file.position += count
  return count
}

function writeNext(file: FileDescriptor, buffers: Uint8Array[]): number {
  if (buffers.length === 0) return 0
  if (isStream(file)) return file.open.write(buffers, undefined)
  const count = file.open.write(buffers, file.position)
  const appended = (file.flags & FD_FLAG.append) !== 0
  file.position = appended ? Number(file.open.status().size) : file.position + count
  return count
}

function seek(file: FileDescriptor, offset: bigint, whence: number): bigint {
  if (isStream(file)) throw new Refusal('ESPIPE')
  const target = originOf(file, whence) + offset
  file.position = safePosition(target)
  return target
}

function originOf({ position, open }: FileDescriptor, whence: number): bigint {
  if (whence === WHENCE.set) return 0n
  if (whence === WHENCE.current) return BigInt(position)
  if (whence === WHENCE.end) return open.status().size
  throw new Refusal('EINVAL')
}

/** No file system of Linux has a file beyond 2^53. */
export function safePosition(position: bigint): number {
  if (position < 0n || position > BigInt(Number.MAX_SAFE_INTEGER)) throw new Refusal('EINVAL')
  return Number(position)
}
