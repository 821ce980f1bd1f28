/** What is asked of, and done to, an open descriptor but reading and writing. */
import { ALL_FD_FLAGS, ALL_TIME_FLAGS, FILE_TYPE, RIGHT, TIME_FLAG } from './abi.ts'
import { type Context, unsigned, type WasiFunctions } from './context.ts'
import type { DirectoryDescriptor } from './descriptors.ts'
import { Refusal } from './errno.ts'
import type { FileStatus, NewTime, NewTimes } from './files.ts'
import { safePosition } from './io-functions.ts'
import { takeListing } from './listings.ts'
import type { GuestMemory } from './memory.ts'

const LAST_ADVICE = 5
const NO_DIRECTORY = 1

export function fdFunctions({ memory, descriptors }: Context): WasiFunctions {
  const preopen = (fd: number): string => {
    const { preopen: name } = descriptors.get(fd)
    if (name === undefined) throw new Refusal('EBADF')
    return name
  }
  return {
    fd_advise: (fd: number, offset: bigint, size: bigint, advice: number) => {
      descriptors.file(fd, RIGHT.fdAdvise)
      if (advice < 0 || advice > LAST_ADVICE) throw new Refusal('EINVAL')
      if (unsigned(offset) + unsigned(size) >= 1n << 63n) throw new Refusal('EINVAL')
    },
    fd_allocate: (fd: number, offset: bigint, size: bigint) => {
      const { open } = descriptors.file(fd, RIGHT.fdAllocate)
      if (size === 0n) throw new Refusal('EINVAL')
      const end = safePosition(unsigned(offset) + unsigned(size))
      if (open.status().size < BigInt(end)) open.truncate(end)
    },
    fd_close: (fd: number) => descriptors.close(fd),
    fd_datasync: (fd: number) => {
      const { open } = descriptors.get(fd, RIGHT.fdDatasync)
      if (open.kind === 'file') open.datasync()
      else open.sync()
    },
    fd_sync: (fd: number) => descriptors.get(fd, RIGHT.fdSync).open.sync(),
    fd_renumber: (from: number, to: number) => descriptors.renumber(from, to),
    fd_fdstat_get: (fd: number, at: number) => {
      const { type, flags, rights, inheriting } = descriptors.get(fd)
      memory.need(at, 24)
      memory.writeU16(at, type)
      memory.writeU16(at + 2, flags)
      memory.writeU32(at + 4, 0)
      // The upper halves mean nothing. All files are opened by way of this call, and numbers are quicker than bigints.
      memory.writeU32(at + 8, rights)
      memory.writeU32(at + 12, 0)
      memory.writeU32(at + 16, inheriting)
      memory.writeU32(at + 20, 0)
    },
    fd_fdstat_set_flags: (fd: number, flags: number) => {
      const descriptor = descriptors.get(fd, RIGHT.fdSetFlags)
      if ((flags & ~ALL_FD_FLAGS) !== 0) throw new Refusal('EINVAL')
      if (descriptor.open.kind === 'file') descriptor.open.setFlags(flags)
      descriptor.flags = flags
    },
    fd_fdstat_set_rights: (fd: number, base: bigint, inheriting: bigint) => {
      const descriptor = descriptors.get(fd)
      const [rights, inherited] = [unsigned(base), unsigned(inheriting)]
      if ((rights & ~BigInt(descriptor.rights)) !== 0n || (inherited & ~BigInt(descriptor.inheriting)) !== 0n)
        throw new Refusal('ENOTCAPABLE')
      descriptor.rights = Number(rights)
      descriptor.inheriting = Number(inherited)
    },
    fd_filestat_get: (fd: number, at: number) =>
      writeStatus(memory, at, descriptors.get(fd, RIGHT.fdStat).open.status()),
    fd_filestat_set_size: (fd: number, size: bigint) => {
      const { open, type } = descriptors.file(fd, RIGHT.fdSetSize)
      if (type !== FILE_TYPE.regularFile) throw new Refusal('EINVAL')
      open.truncate(safePosition(unsigned(size)))
    },
    fd_filestat_set_times: (fd: number, accessed: bigint, modified: bigint, flags: number) =>
      descriptors.get(fd, RIGHT.fdSetTimes).open.setTimes(newTimes(accessed, modified, flags)),
    fd_prestat_get: (fd: number, at: number) => {
      const name = preopen(fd)
      memory.bytes(at, 8).fill(0) // the tag of a directory
      if (descriptors.get(fd).open.kind === 'file') {
        // Preview 1 has no tag for these. EBADF would tell a C library that no more directories follow; another tag it skips.
        memory.writeU8(at, NO_DIRECTORY)
        return
      }
      memory.writeU32(at + 4, Buffer.byteLength(name))
    },
    fd_prestat_dir_name: (fd: number, at: number, size: number) => {
      const name = Buffer.from(preopen(fd))
      descriptors.directory(fd, 0)
      if (size >>> 0 < name.length) throw new Refusal('ENAMETOOLONG')
      memory.bytes(at, name.length).set(name)
    },
    fd_readdir: (fd: number, at: number, size: number, cookie: bigint, usedAt: number) => {
      const directory = descriptors.directory(fd, RIGHT.fdReaddir)
      memory.need(usedAt, 4)
      memory.writeU32(usedAt, readEntries(directory, memory.bytes(at, size), unsigned(cookie)))
    },
  }
}

export function writeStatus(memory: GuestMemory, at: number, status: FileStatus): void {
  memory.need(at, 64)
  memory.writeU64(at, status.device)
  memory.writeU64(at + 8, status.inode)
  memory.writeU32(at + 16, status.type)
  memory.writeU32(at + 20, 0)
  memory.writeU64(at + 24, status.links)
  memory.writeU64(at + 32, status.size)
  memory.writeU64(at + 40, status.accessedNs)
  memory.writeU64(at + 48, status.modifiedNs)
  memory.writeU64(at + 56, status.changedNs)
}

/** @throws {Refusal} EINVAL for a time that is to be both given and now */
export function newTimes(accessed: bigint, modified: bigint, flags: number): NewTimes {
  if ((flags & ~ALL_TIME_FLAGS) !== 0) throw new Refusal('EINVAL')
  const pick = (value: bigint, given: number, now: number): NewTime => {
    const [isGiven, isNow] = [(flags & given) !== 0, (flags & now) !== 0]
    if (isGiven && isNow) throw new Refusal('EINVAL')
    return isGiven ? unsigned(value) : isNow ? 'now' : 'keep'
  }
  return {
    accessed: pick(accessed, TIME_FLAG.accessed, TIME_FLAG.accessedNow),
    modified: pick(modified, TIME_FLAG.modified, TIME_FLAG.modifiedNow),
  }
}

/**
 * Fills the buffer to its last byte while entries are left: one that is cut tells the module to ask again. A cookie is a number
 * in the listing taken at cookie 0, so that what comes and goes meanwhile moves no other entry.
 */
function readEntries(directory: DirectoryDescriptor, into: Uint8Array, cookie: bigint): number {
  if (cookie === 0n || directory.listing === undefined) directory.listing = takeListing(directory.open)
  const { bytes, starts } = directory.listing
  const from = starts[Number(cookie)] ?? bytes.length
  return bytes.copy(into, 0, from)
}
