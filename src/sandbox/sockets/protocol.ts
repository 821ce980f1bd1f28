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
  /** A `ConnectNote`: the number of a connection that is being made. */
  connect: 8,
  /** (connection): returns when it is made, EAGAIN as long as it is being made, or why it failed. */
  outcome: 9,
  /** (connection): bytes that it takes now. */
  room: 10,
  /** (connection, size of the data): all of them are taken, or EAGAIN. */
  push: 22,
  /** An `Endpoint` as note: the number of a listener that refuses whoever comes before it has been started. */
  bind: 11,
  /** (listener) */
  start: 12,
  /** (socket): its `Ends` as note. */
  ends: 13,
  /** (connection, whether to look after a silent peer, seconds until then) */
  keepAlive: 14,
  /** An `Endpoint` as note: the number of a socket for datagrams. */
  bindDatagrams: 15,
  /** (datagrams, whether there is a peer, an `Endpoint` as note): with which alone it is to speak. What has come until now is dropped. */
  associate: 16,
  /** (datagrams, size of the data, whether an `Endpoint` is in the note) */
  sendDatagram: 17,
  /** (datagrams): size of the data; where it came from is in the note. */
  receiveDatagram: 18,
  /** (datagrams, hops) */
  hopLimit: 19,
  /** (size of the name in the data): the number of a question to the resolver. */
  resolve: 20,
  /** (question): the size of addresses in the data, one in a line. */
  resolved: 21,
  /** (descriptor of the process, a pipe or a terminal): the number of a connection that brings what can be read from it. */
  input: 23,
} as const

export const RECEIVE = { peek: 1, waitAll: 2 } as const
export const SHUT = { receiving: 1, sending: 2 } as const
export const READY = { readable: 1, writable: 2, hungUp: 4 } as const

/** Of the shared integers. */
export const CELL = {
  state: 0,
  question: 1,
  first: 2,
  second: 3,
  third: 4,
  fourth: 5,
  answer: 6,
  more: 7,
  changes: 8,
} as const
export const STATE = { idle: 0, asked: 1 } as const
export const CELLS = 9
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
  'EACCES',
  'EPERM',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'ECONNREFUSED',
  'EMFILE',
  'EMSGSIZE',
  'ENOBUFS',
  'ENOMEM',
  'ENETDOWN',
  'EAFNOSUPPORT',
  // Of the resolver, by the names of getaddrinfo(3) without their beginning; Node has one for several.
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
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

export interface Endpoint {
  /** Of IPv4 or IPv6, as text. */
  readonly address: string
  readonly port: number
}

export interface ConnectNote {
  readonly remote: Endpoint
  readonly local?: Endpoint | undefined
}

export interface Ends {
  readonly local?: Endpoint | undefined
  readonly remote?: Endpoint | undefined
}

/** What both sides have of each other. */
export interface SharedLine {
  /** `changes` goes up whenever a socket may have something to tell, and whoever waits for it is woken. */
  readonly cells: Int32Array<SharedArrayBuffer>
  readonly data: Uint8Array<SharedArrayBuffer>
  /** Addresses that belong to a question or its answer. */
  readonly note: Uint8Array<SharedArrayBuffer>
}

export function makeLine(): SharedLine {
  return {
    cells: new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)),
    data: new Uint8Array(new SharedArrayBuffer(DATA_BYTES)),
    note: new Uint8Array(new SharedArrayBuffer(NOTE_BYTES)),
  }
}

/** Two addresses of IPv6 with names of links, and what JSON needs around them. */
const NOTE_BYTES = 512

/** Both ends are ours: what is in it needs no check. */
export function writeNote(note: Uint8Array, value: ConnectNote | Endpoint | Ends): void {
  const bytes = Buffer.from(JSON.stringify(value))
  note.fill(0)
  note.set(bytes)
}

export function readNote<Value extends ConnectNote | Endpoint | Ends>(note: Uint8Array): Value {
  return JSON.parse(Buffer.from(note.subarray(0, note.indexOf(0))).toString()) as Value
}

/** Where a container listens: all addresses of its network. */
export interface SwitchboardSettings {
  readonly line: SharedLine
  readonly ports: readonly number[]
}

/** The first thing that the thread with the sockets says. */
export type Opened = { readonly listening: true } | { readonly failed: string; readonly port: number }
