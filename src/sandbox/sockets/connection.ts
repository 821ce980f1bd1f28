/** One connection, as calls see it: what has come and was not taken yet, room for what is to go, and how it ended. */
import type { Socket } from 'node:net'
import { type Ends, READY, RECEIVE, SHUT } from './protocol.ts'

/** What nobody took and what has not left yet; beyond that senders wait, here and at the other end. */
export const RECEIVE_WINDOW_BYTES = 16_384
export const SEND_WINDOW_BYTES = 32_768
/** What `blocking-write-and-flush` may send without having asked for room. */
export const PIECE_BYTES = 4096
/** A peer that takes nothing for so long is not waited for when the module has ended. */
const FLUSH_MS = 10_000
/** And nobody longer than this: what such a peer sends looks like life. */
const LAST_MS = 60_000

export interface Connection {
  readonly kind: 'connection'
  /** A failure is its code. */
  receive(size: number, flags: number): Buffer | 'EAGAIN'
  send(bytes: Uint8Array): number | 'EAGAIN'
  shutdown(how: number): void
  /** What was sent still leaves; what comes is dropped. @param patienceMs - after which nothing leaves any more */
  close(patienceMs?: number): void
  /** Nothing waits: what was sent and has not left is more than the window by one piece at most. */
  push(bytes: Uint8Array): number
  /** Bytes that are taken at once. @throws {SocketError} EPIPE nobody takes any */
  room(): number
  /** @throws {SocketError} EAGAIN it is being made; why it was not */
  outcome(): void
  ends(): Ends
  keepAlive(enable: boolean, idleSeconds: number): void
  look(): { readonly ready: number; readonly bytes: number }
  /** Resolves at the next change, whatever it is. */
  changed(): Promise<void>
  /** Resolves when nothing is on its way any more, or nothing will. */
  closed(): Promise<void>
}

export class SocketError extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.name = 'SocketError'
    this.code = code
  }
}

/** @param onChange - told of every change, besides those who wait for the next one */
export function openConnection(socket: Socket, onChange?: () => void): Connection {
  const state = {
    ended: false,
    closed: false,
    failure: undefined as string | undefined,
    receiving: true,
    sending: true,
  }
  const change = openChange(onChange)
  const arrived = collect(socket, change.tell)
  socket.on('end', () => {
    state.ended = true
    change.tell()
  })
  socket.on('error', ({ code = 'EIO' }: NodeJS.ErrnoException) => {
    state.failure = code
  })
  socket.on('close', () => {
    state.closed = true
    change.tell()
  })
  socket.on('drain', change.tell)
  socket.on('connect', change.tell)
  const failOnce = () => {
    const code = state.failure
    state.failure = undefined // told once, as the kernel does; then it is just closed
    if (code !== undefined) throw new SocketError(code)
  }
  const atEnd = () => state.ended || state.closed || !state.receiving
  const mustSend = () => {
    if (!state.sending) throw new SocketError('EPIPE')
    failOnce()
    if (state.closed || !socket.writable) throw new SocketError('EPIPE')
  }
  return {
    kind: 'connection',
    receive: (size, flags) => {
      if (!state.receiving) return Buffer.alloc(0)
      const peeks = (flags & RECEIVE.peek) !== 0
      const wanted = (flags & RECEIVE.waitAll) === 0 ? 1 : Math.min(size, RECEIVE_WINDOW_BYTES) // more is never here at once
      if (arrived.size() === 0) failOnce()
      if (arrived.size() < wanted && !atEnd()) return 'EAGAIN'
      return arrived.take(size, peeks)
    },
    send: (bytes) => {
      mustSend()
      const taken = bytes.slice(0, Math.max(0, SEND_WINDOW_BYTES - socket.writableLength))
      if (taken.length === 0 && bytes.length > 0) return 'EAGAIN'
      socket.write(taken)
      return taken.length
    },
    push: (bytes) => {
      mustSend()
      if (socket.writableLength + bytes.length > SEND_WINDOW_BYTES + PIECE_BYTES) throw new SocketError('EAGAIN')
      socket.write(bytes.slice())
      return bytes.length
    },
    room: () => {
      mustSend()
      return Math.max(0, SEND_WINDOW_BYTES - socket.writableLength)
    },
    outcome: () => {
      failOnce()
      if (state.closed) throw new SocketError('ECONNABORTED')
      if (socket.connecting) throw new SocketError('EAGAIN')
    },
    ends: () => ({
      local: endOf(socket.localAddress, socket.localPort),
      remote: endOf(socket.remoteAddress, socket.remotePort),
    }),
    keepAlive: (enable, idleSeconds) => void socket.setKeepAlive(enable, idleSeconds * 1000),
    shutdown: (how) => {
      if (state.closed) throw new SocketError('ENOTCONN')
      if ((how & SHUT.receiving) !== 0) {
        state.receiving = false
        arrived.drop()
      }
      if ((how & SHUT.sending) !== 0 && state.sending) {
        state.sending = false
        socket.end()
      }
      change.tell()
    },
    close: (patienceMs = LAST_MS) => {
      state.receiving = false
      state.sending = false
      arrived.drop()
      const last = setTimeout(() => socket.destroy(), patienceMs).unref()
      socket.once('close', () => clearTimeout(last))
      if (socket.connecting && socket.writableLength === 0) return void socket.destroy()
      socket.setTimeout(FLUSH_MS, () => socket.destroy())
      socket.end(() => socket.destroy())
    },
    look: () => {
      if (socket.connecting && state.failure === undefined) return { ready: 0, bytes: 0 }
      const bytes = arrived.size()
      const readable = bytes > 0 || atEnd() || state.failure !== undefined
      const writable = state.closed || !state.sending || socket.writableLength < SEND_WINDOW_BYTES
      const hungUp = bytes === 0 && atEnd()
      return {
        ready: (readable ? READY.readable : 0) | (writable ? READY.writable : 0) | (hungUp ? READY.hungUp : 0),
        bytes,
      }
    },
    changed: change.next,
    closed: async () => {
      while (!state.closed) await change.next()
    },
  }
}

function endOf(address: string | undefined, port: number | undefined): Ends['local'] {
  return address === undefined || port === undefined ? undefined : { address, port }
}

export interface Change {
  next(): Promise<void>
  readonly tell: () => void
}

/** Something that happens again and again, for any number of waiters. */
export function openChange(onChange?: () => void): Change {
  let { promise, resolve } = Promise.withResolvers<void>()
  return {
    next: () => promise,
    tell: () => {
      onChange?.()
      resolve()
      const again = Promise.withResolvers<void>()
      promise = again.promise
      resolve = again.resolve
    },
  }
}

interface Arrived {
  size(): number
  take(size: number, peeks: boolean): Buffer
  /** From now on nothing is kept. */
  drop(): void
}

/** What has come, up to the window: then the other end has to wait. */
function collect(socket: Socket, tell: () => void): Arrived {
  let kept: Buffer = Buffer.alloc(0)
  let dropping = false
  socket.on('data', (chunk: Buffer) => {
    if (dropping) return
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
    if (kept.length >= RECEIVE_WINDOW_BYTES) socket.pause()
    tell()
  })
  return {
    size: () => kept.length,
    take: (size, peeks) => {
      const taken = kept.subarray(0, size)
      if (peeks) return taken
      kept = kept.subarray(taken.length)
      if (kept.length < RECEIVE_WINDOW_BYTES) socket.resume()
      return taken
    },
    drop: () => {
      kept = Buffer.alloc(0)
      dropping = true
      socket.resume()
    },
  }
}
