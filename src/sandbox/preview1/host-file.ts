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
import { FD_FLAG } from './abi.ts'
import { Refusal } from './errno.ts'
import { hostTime, rememberTimes } from './exact-times.ts'
import type { NewTimes, OpenFile, OpenOptions } from './files.ts'
import { statusOf } from './status.ts'

/** @param writable - whether the file may be changed in any way, its times too */
export function openHostFile(path: string, options: OpenOptions, writable: boolean): OpenFile {
  let fd = openSync(path, openFlags(options), 0o666)
  return {
    kind: 'file',
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

export function setTimes(fd: number, times: NewTimes): void {
  const before = fstatSync(fd, { bigint: true })
  futimesSync(fd, hostTime(times.accessed), hostTime(times.modified))
  rememberTimes(times, before, fstatSync(fd, { bigint: true }))
}

function openFlags({ read, write, create, exclusive, truncate, flags }: OpenOptions): number {
  const access = write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY
  const wanted: [boolean, number][] = [
    [create, constants.O_CREAT],
    [exclusive, constants.O_EXCL],
    [truncate, constants.O_TRUNC],
    [(flags & FD_FLAG.append) !== 0, constants.O_APPEND],
    [(flags & FD_FLAG.nonblock) !== 0, constants.O_NONBLOCK],
    [(flags & FD_FLAG.dsync) !== 0, constants.O_DSYNC],
    [(flags & (FD_FLAG.sync | FD_FLAG.rsync)) !== 0, constants.O_SYNC],
  ]
  const all = wanted.reduce((sum, [on, flag]) => (on ? sum | flag : sum), access)
  return all | constants.O_NOFOLLOW | constants.O_NOCTTY
}
