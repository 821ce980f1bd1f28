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
  readSync,
  readvSync,
  writeSync,
  writevSync,
} from 'node:fs'
import { FD_FLAG, FILE_TYPE, type FileType } from './abi.ts'
import { Refusal } from './errno.ts'
import { hostTime, rememberTimes } from './exact-times.ts'
import type { NewTimes, OpenFile, OpenOptions } from './files.ts'
import { openPipe, openWithoutWaiting } from './named-pipe.ts'
import { isPipe, statusOf, typeOfMode } from './status.ts'

/** @param writable - whether the file may be changed in any way, its times too @throws {Refusal} EISDIR */
export function openHostFile(path: string, options: OpenOptions, writable: boolean): OpenFile {
  const fd = openWithoutWaiting(path, openFlags(options), options)
  // What did not exist a moment ago is a file now.
  const type = options.create && options.exclusive ? FILE_TYPE.regularFile : fileType(fd)
  if (type === 'pipe') return openPipe(fd, options)
  return new HostFile({ fd, type, options, writable })
}

interface Opened {
  readonly fd: number
  readonly type: FileType
  readonly options: OpenOptions
  readonly writable: boolean
}

class HostFile implements OpenFile {
  readonly kind = 'file'
  readonly type: FileType
  readonly #options: OpenOptions
  readonly #writable: boolean
  #fd: number

  constructor({ fd, type, options, writable }: Opened) {
    this.type = type
    this.#options = options
    this.#writable = writable
    this.#fd = fd
  }

  status() {
    return statusOf(fstatSync(this.#fd, { bigint: true }))
  }

  read(into: Uint8Array[], position: number | undefined): number {
    const only = into.length === 1 ? into[0] : undefined
    if (only === undefined) return readvSync(this.#fd, into, position)
    return readSync(this.#fd, only, 0, only.length, position ?? null)
  }

  write(from: Uint8Array[], position: number | undefined): number {
    const only = from.length === 1 ? from[0] : undefined
    if (only === undefined) return writevSync(this.#fd, from, position)
    return writeSync(this.#fd, only, 0, only.length, position ?? null)
  }

  truncate(size: number): void {
    ftruncateSync(this.#fd, size)
  }

  setTimes(times: NewTimes): void {
    if (!this.#writable) throw new Refusal('EROFS')
    setTimes(this.#fd, times)
  }

  sync(): void {
    fsyncSync(this.#fd)
  }

  datasync(): void {
    fdatasyncSync(this.#fd)
  }

  /** Node has no fcntl: the same file once more, by the descriptor, so that no path is walked again. */
  setFlags(flags: number): void {
    const access = { ...this.#options, create: false, exclusive: false, truncate: false, flags }
    const next = openSync(`/proc/self/fd/${this.#fd}`, openFlags(access) & ~constants.O_NOFOLLOW)
    closeSync(this.#fd)
    this.#fd = next
  }

  close(): void {
    closeSync(this.#fd)
  }
}

function fileType(fd: number): FileType | 'pipe' {
  const { mode } = fstatSync(fd)
  const type = typeOfMode(mode)
  if (isPipe(mode)) return 'pipe'
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
  // Of a file it means nothing; of a named pipe, that the kernel does not wait for the other end.
  let all = access | constants.O_NOFOLLOW | constants.O_NOCTTY | constants.O_NONBLOCK
  if (create) all |= constants.O_CREAT
  if (exclusive) all |= constants.O_EXCL
  if (truncate) all |= constants.O_TRUNC
  if (flags === 0) return all
  if ((flags & FD_FLAG.append) !== 0) all |= constants.O_APPEND
  if ((flags & FD_FLAG.dsync) !== 0) all |= constants.O_DSYNC
  if ((flags & (FD_FLAG.sync | FD_FLAG.rsync)) !== 0) all |= constants.O_SYNC
  return all
}
