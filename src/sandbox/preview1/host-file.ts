/** A file of the host, by its descriptor. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readvSync,
  writevSync,
} from 'node:fs'
import { FD_FLAG, FILE_TYPE, type FileType } from './abi.ts'
import { Refusal } from './errno.ts'
import { hostTime, rememberTimes } from './exact-times.ts'
import type { NewTimes, OpenFile, OpenOptions } from './files.ts'
import { statusOf, typeOf } from './status.ts'

/** @param writable - whether the file may be changed in any way, its times too @throws {Refusal} EISDIR */
export function openHostFile(path: string, options: OpenOptions, writable: boolean): OpenFile {
  let fd = openSync(path, openFlags(options), 0o666)
  return {
    kind: 'file',
    type: fileType(fd),
    status: () => statusOf(fstatSync(fd, { bigint: true })),
    read: (into, position) => readvSync(fd, into, position),
    write: (from, position) => writevSync(fd, from, position),
    truncate: (size) => ftruncateSync(fd, size),
    setTimes: (times) => {
      if (!writable) throw new Refusal('EROFS')
      setTimes(fd, times)
    },
    sync: () => fsyncSync(fd),
    datasync: () => fdatasyncSync(fd),
    setFlags: (flags) => {
      // Node has no fcntl: the same file once more, by the descriptor, so that no path is walked again.
      const access = { ...options, create: false, exclusive: false, truncate: false, flags }
      const next = openSync(`/proc/self/fd/${fd}`, openFlags(access) & ~constants.O_NOFOLLOW)
      closeSync(fd)
      fd = next
    },
    close: () => closeSync(fd),
  }
}

function fileType(fd: number): FileType {
  const type = typeOf(fstatSync(fd))
  if (type !== FILE_TYPE.directory) return type
  closeSync(fd)
  throw new Refusal('EISDIR')
}

export function setTimes(fd: number, times: NewTimes): void {
  const before = fstatSync(fd, { bigint: true })
  futimesSync(fd, hostTime(times.accessed), hostTime(times.modified))
  rememberTimes(times, before, fstatSync(fd, { bigint: true }))
}

function openFlags({ read, write, create, exclusive, truncate, flags }: OpenOptions): number {
  const access = write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY
  let all = access | constants.O_NOFOLLOW | constants.O_NOCTTY
  if (create) all |= constants.O_CREAT
  if (exclusive) all |= constants.O_EXCL
  if (truncate) all |= constants.O_TRUNC
  if (flags === 0) return all
  if ((flags & FD_FLAG.append) !== 0) all |= constants.O_APPEND
  if ((flags & FD_FLAG.nonblock) !== 0) all |= constants.O_NONBLOCK
  if ((flags & FD_FLAG.dsync) !== 0) all |= constants.O_DSYNC
  if ((flags & (FD_FLAG.sync | FD_FLAG.rsync)) !== 0) all |= constants.O_SYNC
  return all
}
