/** What a module's files are made of. A directory knows its entries by one name at a time: paths are walked by `paths.ts` alone. */
import type { FileType } from './abi.ts'
import type { SocketCalls } from './sockets.ts'

export interface FileStatus {
  readonly device: bigint
  readonly inode: bigint
  readonly type: FileType
  readonly links: bigint
  readonly size: bigint
  readonly accessedNs: bigint
  readonly modifiedNs: bigint
  readonly changedNs: bigint
}

/** Nanoseconds since 1970, the moment of the call, or as it is. */
export type NewTime = bigint | 'now' | 'keep'

export interface NewTimes {
  readonly accessed: NewTime
  readonly modified: NewTime
}

/** What every open thing has. A failure is a `Refusal`, or the error of a system call. */
export interface Open {
  status(): FileStatus
  setTimes(times: NewTimes): void
  sync(): void
  close(): void
}

export interface OpenFile extends Open {
  readonly kind: 'file'
  /** When it is known since it was opened; otherwise the status tells. */
  readonly type?: FileType
  /** Bytes read, 0 at the end. Without a position: the next ones of a stream. */
  read(into: Uint8Array[], position: number | undefined): number
  /** Bytes written. A file open for appending, and a stream, takes them at its end whatever the position. */
  write(from: Uint8Array[], position: number | undefined): number
  truncate(size: number): void
  /** The bytes only, and what is needed to find them. */
  datasync(): void
  /** From now on, of `FD_FLAG`. */
  setFlags(flags: number): void
  /** Of what can make a reader wait: bytes that are there, 0 at the end, nothing when one would wait. */
  readable?(): number | undefined
  /** Returns when there are some, or the end. */
  waitReadable?(): void
  /** Of what tells when it may have become ready to be read or written. */
  readonly changes?: Changes | undefined
  /** From now on it does, if that is possible. */
  watch?(): void
  /** Whether a write would move something at once; absent where it always does. */
  writable?(): boolean
  /** Of sockets alone. */
  readonly socket?: SocketCalls
}

/** A count that goes up whenever one of many may have become ready. */
export interface Changes {
  changes(): number
  /** Returns when the count is not `seen` any more, after `ms` at the latest. */
  waitForChange(seen: number, ms: number): void
}

export interface OpenOptions {
  readonly read: boolean
  readonly write: boolean
  readonly create: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
  /** Of `FD_FLAG`. */
  readonly flags: number
  /** Whether opening a named pipe may wait for its other end, or throws `WouldWait`; it may when nothing is said. */
  readonly waits?: boolean
}

export interface DirectoryEntry {
  readonly name: string
  readonly type: FileType
}

/**
 * A directory that stays the same one however it is renamed. Names are single components, neither `.` nor `..`; nothing ever
 * follows a symbolic link: what would is refused with ELOOP or ENOTDIR.
 */
export interface Directory extends Open {
  readonly kind: 'directory'
  /** Names may be ways of several components, none of them empty, `.` or `..`: nothing below it can lead elsewhere. */
  readonly takesWays?: boolean
  lookup(name: string): FileStatus
  /** The same, and nothing when there is no such entry. */
  find(name: string): FileStatus | undefined
  enter(name: string): Directory
  /** Where a walk from here came to, if the same way still leads there; to be closed. */
  reach?(way: string): Directory | undefined
  /** What a walk along several components has come to. */
  remember?(way: string, to: Directory): void
  /** A directory is refused with EISDIR. */
  openFile(name: string, options: OpenOptions): OpenFile
  readLink(name: string): string
  entries(): DirectoryEntry[]
  /** The number of an entry alone, which is quicker; of what is not there 0. */
  inode?(name: string): number | bigint
  /** The names alone, which is quicker: of those whose time of change tells of every other change of an entry. */
  names?(): readonly string[]
  makeDirectory(name: string): void
  makeLink(name: string, target: string): void
  removeDirectory(name: string): void
  removeFile(name: string): void
  setEntryTimes(name: string, times: NewTimes): void
  /** EXDEV when `to` is of another kind or another file system. */
  rename(name: string, to: Directory, newName: string): void
  /** A second name for a file or a link. */
  link(name: string, to: Directory, newName: string): void
  /** A second handle, to be closed by itself. */
  duplicate(): Directory
}
