/** The standard streams: pipes, terminals and what else the runner was started with. They have no position. */
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, readvSync, writeSync } from 'node:fs'
import { FD_FLAG, FILE_TYPE } from './abi.ts'
import { codeOf, Refusal } from './errno.ts'
import type { OpenFile } from './files.ts'
import { WouldWait } from './patience.ts'
import { statusOf } from './status.ts'

const LOOKAHEAD_BYTES = 4096
const WAIT_MS = 5

/**
 * @param fd - of this process; it stays open when the module closes its own
 * @param waits - or throws `WouldWait`, when it is to be read and has nothing
 */
export function openStream(fd: number, waits = true): OpenFile {
  const ahead = openLookahead(fd)
  let flags = 0
  return {
    kind: 'file',
    status: () => statusOf(fstatSync(fd, { bigint: true })),
    read: (into) => {
      const early = ahead.take(into)
      if (early !== undefined) return early
      if (!waits && ahead.available() === undefined && (flags & FD_FLAG.nonblock) === 0) throw new WouldWait()
      if (waits && (flags & FD_FLAG.nonblock) === 0) return patiently(() => readvSync(fd, into))
      if (ahead.available() === undefined) throw new Refusal('EAGAIN')
      return ahead.take(into) ?? 0
    },
    write: (from) => from.reduce((sum, bytes) => sum + writeAll(fd, bytes), 0),
    readable: ahead.available,
    waitReadable: ahead.wait,
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
    },
    close: ahead.close,
  }
}

interface Lookahead {
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
  close(): void
}

/** The same pipe or terminal once more, so that others who hold it still wait on theirs. */
function unblocked(fd: number): Unblocked {
  try {
    const again = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    return { fd: again, close: () => closeSync(again) }
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
  return { fd, close: () => {} }
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
