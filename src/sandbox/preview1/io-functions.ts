/** Reading, writing and seeking. */
import { FD_FLAG, FILE_TYPE, RIGHT, WHENCE } from './abi.ts'
import { type Context, unsigned, type WasiFunctions } from './context.ts'
import type { FileDescriptor } from './descriptors.ts'
import { Refusal } from './errno.ts'

export function ioFunctions({ memory, descriptors }: Context): WasiFunctions {
  /** The result's place is looked at before anything is moved. */
  const transfer = (move: (buffers: Uint8Array[]) => number, list: [at: number, count: number], resultAt: number) => {
    memory.bytes(resultAt, 4)
    const buffers = memory.vectors(...list)
    memory.writeU32(resultAt, buffers.length === 0 ? 0 : move(buffers))
  }
  const placed = (fd: number, rights: bigint, offset: bigint) => {
    const file = descriptors.file(fd, rights)
    if (file.type !== FILE_TYPE.regularFile) throw new Refusal('ESPIPE')
    return { file, position: safePosition(unsigned(offset)) }
  }
  return {
    fd_read: (fd: number, at: number, count: number, resultAt: number) => {
      const file = descriptors.file(fd, RIGHT.fdRead)
      transfer((buffers) => readNext(file, buffers), [at, count], resultAt)
    },
    fd_write: (fd: number, at: number, count: number, resultAt: number) => {
      const file = descriptors.file(fd, RIGHT.fdWrite)
      transfer((buffers) => writeNext(file, buffers), [at, count], resultAt)
    },
    fd_pread: (fd: number, at: number, count: number, offset: bigint, resultAt: number) => {
      const { file, position } = placed(fd, RIGHT.fdRead | RIGHT.fdSeek, offset)
      transfer((buffers) => file.open.read(buffers, position), [at, count], resultAt)
    },
    fd_pwrite: (fd: number, at: number, count: number, offset: bigint, resultAt: number) => {
      const { file, position } = placed(fd, RIGHT.fdWrite | RIGHT.fdSeek, offset)
      transfer((buffers) => file.open.write(buffers, position), [at, count], resultAt)
    },
    fd_seek: (fd: number, offset: bigint, whence: number, resultAt: number) => {
      memory.bytes(resultAt, 8)
      // Asking where one is needs no more than the right to be told.
      const tells = offset === 0n && whence === WHENCE.current
      const file = descriptors.file(fd, 0n)
      const able = RIGHT.fdSeek | (tells ? RIGHT.fdTell : 0n)
      if ((file.rights & able) === 0n) throw new Refusal(isStream(file) ? 'ESPIPE' : 'ENOTCAPABLE')
      memory.writeU64(resultAt, seek(file, offset, whence))
    },
    fd_tell: (fd: number, resultAt: number) => {
      const file = descriptors.file(fd, 0n)
      if (isStream(file)) throw new Refusal('ESPIPE')
      if ((file.rights & (RIGHT.fdTell | RIGHT.fdSeek)) === 0n) throw new Refusal('ENOTCAPABLE')
      memory.writeU64(resultAt, BigInt(file.position))
    },
  }
}

const isStream = ({ type }: FileDescriptor): boolean => type !== FILE_TYPE.regularFile

function readNext(file: FileDescriptor, buffers: Uint8Array[]): number {
  if (isStream(file)) return file.open.read(buffers, undefined)
  const count = file.open.read(buffers, file.position)
  file.position += count
  return count
}

function writeNext(file: FileDescriptor, buffers: Uint8Array[]): number {
  if (isStream(file)) return file.open.write(buffers, undefined)
  const count = file.open.write(buffers, file.position)
  const appended = (file.flags & FD_FLAG.append) !== 0
  file.position = appended ? Number(file.open.status().size) : file.position + count
  return count
}

function seek(file: FileDescriptor, offset: bigint, whence: number): bigint {
  if (isStream(file)) throw new Refusal('ESPIPE')
  const origins: Record<number, () => bigint> = {
    [WHENCE.set]: () => 0n,
    [WHENCE.current]: () => BigInt(file.position),
    [WHENCE.end]: () => file.open.status().size,
  }
  const origin = origins[whence]
  if (origin === undefined) throw new Refusal('EINVAL')
  const target = origin() + offset
  file.position = safePosition(target)
  return target
}

/** No file system of Linux has a file beyond 2^53. */
export function safePosition(position: bigint): number {
  if (position < 0n || position > BigInt(Number.MAX_SAFE_INTEGER)) throw new Refusal('EINVAL')
  return Number(position)
}
