/**
 * Standard streams that flow while the module runs. @wasmer/wasi keeps them in memory until the end, so its functions for
 * descriptors 0 to 2 are replaced; all others stay its own. Signatures and errno values: wasi_snapshot_preview1.
 */
import { readSync, writeSync } from 'node:fs'

export type WasiFunctions = Readonly<Record<string, (...args: never[]) => number>>

const ERRNO = { success: 0, again: 6, badFile: 8, fault: 21, io: 29, pipe: 64 } as const
const IOVEC_BYTES = 8
const MAX_IOVECS = 1024
const STDERR = 2

/** @param memory - asked for at each call: growing it makes the old buffer useless */
export function withLiveStdio(functions: WasiFunctions, memory: () => WebAssembly.Memory): WasiFunctions {
  const original = functions as Readonly<Record<string, (...args: unknown[]) => number>>
  const live =
    (name: string, transfer: Transfer) =>
    (fd: number, vectors: number, count: number, resultAt: number): number =>
      fd >= 0 && fd <= STDERR
        ? moveBytes(memory(), { fd, vectors, count, resultAt }, transfer)
        : (original[name]?.(fd, vectors, count, resultAt) ?? ERRNO.badFile)
  return { ...functions, fd_write: live('fd_write', writeAll), fd_read: live('fd_read', readSome) } as WasiFunctions
}

/** How many bytes were moved; fewer than asked for ends the call. */
type Transfer = (fd: number, bytes: Uint8Array) => number

interface Call {
  readonly fd: number
  readonly vectors: number
  readonly count: number
  readonly resultAt: number
}

/** Every address comes from the module: bounds are those of its memory, and DataView and subarray hold to them. */
function moveBytes({ buffer }: WebAssembly.Memory, call: Call, transfer: Transfer): number {
  const [fd, vectors, count, resultAt] = [call.fd, call.vectors >>> 0, call.count >>> 0, call.resultAt >>> 0]
  const isRead = transfer === readSome
  if (isRead !== (fd === 0)) return ERRNO.badFile
  if (count > MAX_IOVECS || vectors + count * IOVEC_BYTES > buffer.byteLength || resultAt + 4 > buffer.byteLength)
    return ERRNO.fault
  const view = new DataView(buffer)
  let moved = 0
  try {
    for (let index = 0; index < count; index++) {
      const at = view.getUint32(vectors + index * IOVEC_BYTES, true)
      const size = view.getUint32(vectors + index * IOVEC_BYTES + 4, true)
      if (at + size > buffer.byteLength) return ERRNO.fault
      const done = transfer(fd, new Uint8Array(buffer, at, size))
      moved += done
      if (done < size) break
    }
  } catch (error) {
    if (moved === 0) return errnoOf(error)
  }
  view.setUint32(resultAt, moved, true)
  return ERRNO.success
}

function errnoOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EPIPE' ? ERRNO.pipe : code === 'EBADF' ? ERRNO.badFile : ERRNO.io
}

function writeAll(fd: number, bytes: Uint8Array): number {
  let written = 0
  while (written < bytes.length) written += patiently(() => writeSync(fd, bytes, written))
  return written
}

/** One read: a terminal's line is passed on when it is there, not when the buffer is full. */
function readSome(fd: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0
  return patiently(() => readSync(fd, bytes))
}

const WAIT_MS = 5

/** Whoever gave us the descriptor may have made it non-blocking; the module expects to wait. */
function patiently(attempt: () => number): number {
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS)
    }
  }
}
