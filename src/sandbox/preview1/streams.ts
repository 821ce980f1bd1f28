/** The standard streams: pipes, terminals and what else the runner was started with. They have no position. */
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, readvSync, writeSync } from 'node:fs'
import type { Line } from '../sockets/line.ts'
import { FD_FLAG, FILE_TYPE } from './abi.ts'
import { codeOf, Refusal } from './errno.ts'
import type { OpenFile } from './files.ts'
import { WouldWait } from './patience.ts'
import { openConnected } from './sockets.ts'
import { statusOf } from './status.ts'

const LOOKAHEAD_BYTES = 4096
const WAIT_MS = 5

export interface StreamOptions {
  /** Or it throws `WouldWait`, when it is to be read and has nothing. */
  readonly waits?: boolean
  /** To a thread that can wait for several things at once. */
  readonly openLine?: () => Line
}

/** @param fd - of this process; it stays open when the module closes its own */
export function openStream(fd: number, { waits = true, openLine }: StreamOptions = {}): OpenFile {
  const ahead = openLookahead(fd)
  let flags = 0
  /** Once the other thread has it, all that comes comes from there. */
  let watched: OpenFile | undefined
  let isTried = openLine === undefined
  const watch = () => {
    if (isTried || ahead.available() !== undefined) return
    isTried = true
    watched = openWatched(ahead, openLine)
    watched?.setFlags(flags)
  }
  return {
    kind: 'file',
    status: () => statusOf(fstatSync(fd, { bigint: true })),
    read: (into) => {
      const early = ahead.take(into)
      if (early !== undefined) return early
      if (watched !== undefined) return watched.read(into, undefined)
      if (!waits && ahead.available() === undefined && (flags & FD_FLAG.nonblock) === 0) throw new WouldWait()
      if (waits && (flags & FD_FLAG.nonblock) === 0) return patiently(() => readvSync(fd, into))
      if (ahead.available() === undefined) throw new Refusal('EAGAIN')
      return ahead.take(into) ?? 0
    },
    write: (from) => from.reduce((sum, bytes) => sum + writeAll(fd, bytes), 0),
    readable: () => (watched !== undefined && ahead.isEmpty() ? watched.readable?.() : ahead.available()),
    waitReadable: () => (watched !== undefined && ahead.isEmpty() ? watched.waitReadable?.() : ahead.wait()),
    get changes() {
      return watched?.changes
    },
    watch,
    truncate: () => {
      throw new Refusal('EINVAL')
    },
    setTimes: () => {
      throw new Refusal('EPERM')
    },
    sync: () => syncIfPossible(fd),
    datasync: () => syncIfPossible(fd),
    setFlags: (wanted) => {
      flags = wanted
      watched?.setFlags(wanted)
    },
    close: ahead.close,
  }
}

function openWatched(ahead: Lookahead, openLine: StreamOptions['openLine']): OpenFile | undefined {
  const fd = ahead.letGo()
  if (fd === undefined || openLine === undefined) return undefined
  try {
    const line = openLine()
    return openConnected(line, line.ask('input', fd).answer, 0)
  } catch (error) {
    const isThreadRefused = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_INIT_FAILED'
    if (!isThreadRefused && codeOf(error) === undefined) throw error
    return undefined // it is looked at again and again, as before
  }
}

interface Lookahead {
  isEmpty(): boolean
  /** Gives the pipe or terminal away by which it is read without waiting, if there is one. */
  letGo(): number | undefined

  /** Bytes that can be read without waiting, 0 at the end, nothing when there are none yet. */
  available(): number | undefined
  wait(): void
  /** What was read early; nothing when nothing was. */
  take(into: Uint8Array[]): number | undefined
  close(): void
}

/** Node has no poll(2): whether something can be read is found out by reading it, and keeping it. */
function openLookahead(fd: number): Lookahead {
  const buffer = Buffer.alloc(LOOKAHEAD_BYTES)
  let kept: Buffer | undefined
  let source: Unblocked | undefined
  const isFile = fstatSync(fd).isFile()
  const available = () => {
    if (kept !== undefined) return kept.length
    if (isFile) return 1
    try {
      source ??= unblocked(fd)
      kept = buffer.subarray(0, readSync(source.fd, buffer))
      return kept.length
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') return undefined
      throw error
    }
  }
  return {
    available,
    isEmpty: () => kept === undefined,
    letGo: () => {
      const fd = source?.isOwn === true ? source.fd : undefined
      if (fd !== undefined) source = undefined
      return fd
    },
    wait: () => {
      if (kept === undefined && !isFile)
        kept = buffer.subarray(
          0,
          patiently(() => readSync(fd, buffer)),
        )
    },
    take: (into) => {
      if (kept === undefined) return undefined
      let taken = 0
      for (const bytes of into) taken += kept.copy(bytes, 0, taken)
      kept = taken < kept.length ? kept.subarray(taken) : undefined
      return taken
    },
    close: () => {
      source?.close()
    },
  }
}

interface Unblocked {
  readonly fd: number
  /** Opened for this alone. */
  readonly isOwn: boolean
  close(): void
}

/** The same pipe or terminal once more, so that others who hold it still wait on theirs. */
function unblocked(fd: number): Unblocked {
  try {
    const again = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    return { fd: again, isOwn: true, close: () => closeSync(again) }
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'ENXIO' && code !== 'EACCES') throw error // a socket, or a pipe that another user made
    return unblockedSocket(fd)
  }
}

/** A socket cannot be opened again; Node makes one that it is given non-blocking, at once and for all who hold it. */
function unblockedSocket(fd: number): Unblocked {
  const { Socket } = process.getBuiltinModule('node:net')
  const socket = new Socket({ fd, readable: false, writable: true })
  socket.unref()
  sockets.add(socket)
  return { fd, isOwn: false, close: () => {} }
}

/** Never collected: that would close what is the process's own. */
const sockets = new Set<object>()

function writeAll(fd: number, bytes: Uint8Array): number {
  let written = 0
  while (written < bytes.length) written += patiently(() => writeSync(fd, bytes, written))
  return written
}

function syncIfPossible(fd: number): void {
  if (fstatSync(fd).isFile()) fsyncSync(fd)
}

const never = new Int32Array(new SharedArrayBuffer(4))

/** Whoever gave us the descriptor may have made it non-blocking; the module expects to wait. */
function patiently(attempt: () => number): number {
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'EAGAIN') throw error
      Atomics.wait(never, 0, 0, WAIT_MS)
    }
  }
}

/** A terminal is one to the module; `/dev/null` must not pass for one (wasi-libc takes what cannot be sought for a terminal). */
export function isSeekableDevice(stream: OpenFile, isTerminal: boolean): boolean {
  return stream.status().type === FILE_TYPE.characterDevice && !isTerminal
}
