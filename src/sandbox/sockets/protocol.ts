/**
 * How a thread that runs a module asks the thread that has the sockets: one question at a time, in shared memory. Node tells of
 * sockets in an event loop only, and that of a thread stands still while a module runs in it.
 */

/** What is asked. Numbers that the answer gives are never negative; failures are. */
export const QUESTION = {
  /** (listener, waits): the number of a new connection. */
  accept: 0,
  /** (connection, size, `RECEIVE` bits, waits): bytes that were put into the data; 0 at the end. */
  receive: 1,
  /** (connection, size of the data, waits): bytes taken. */
  send: 2,
  /** (connection, `SHUT` bits) */
  shutdown: 3,
  close: 4,
  /** (socket): `READY` bits, and the bytes that can be received at once as the second number. */
  look: 5,
  /** (socket): returns when there is something to receive or to accept. */
  await: 6,
  /** Returns when all that was sent has left, or cannot. */
  finish: 7,
} as const

export const RECEIVE = { peek: 1, waitAll: 2 } as const
export const SHUT = { receiving: 1, sending: 2 } as const
export const READY = { readable: 1, writable: 2, hungUp: 4 } as const

/** Of the shared integers. */
export const CELL = { state: 0, question: 1, first: 2, second: 3, third: 4, fourth: 5, answer: 6, more: 7 } as const
export const STATE = { idle: 0, asked: 1 } as const
export const CELLS = 8
/** As much as one call moves. */
export const DATA_BYTES = 65_536

/** The failures that cross, as negative numbers: their place here. */
const FAILURES = [
  'EIO',
  'EAGAIN',
  'EBADF',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTCONN',
  'EINVAL',
  'ETIMEDOUT',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENOTSOCK',
] as const

export type SocketFailure = (typeof FAILURES)[number]

/** Whatever is not among them is EIO. */
export function failureNumber(code: unknown): number {
  return (
    -1 -
    Math.max(
      0,
      FAILURES.findIndex((name) => name === code),
    )
  )
}

export function failureOf(answer: number): SocketFailure {
  return FAILURES[-1 - answer] ?? 'EIO'
}

/** What both sides have of each other. */
export interface SharedLine {
  readonly cells: Int32Array<SharedArrayBuffer>
  readonly data: Uint8Array<SharedArrayBuffer>
}

export function makeLine(): SharedLine {
  return {
    cells: new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)),
    data: new Uint8Array(new SharedArrayBuffer(DATA_BYTES)),
  }
}

/** Where a container listens: all addresses of its network. */
export interface SwitchboardSettings {
  readonly line: SharedLine
  readonly ports: readonly number[]
}

/** The first thing that the thread with the sockets says. */
export type Opened = { readonly listening: true } | { readonly failed: string; readonly port: number }
