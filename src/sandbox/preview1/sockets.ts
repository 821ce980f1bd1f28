/** Sockets as a module's descriptors: those that listen, which it is given, and connections that it accepts from them. */
import type { Line } from '../sockets/line.ts'
import { DATA_BYTES, READY, RECEIVE, SHUT } from '../sockets/protocol.ts'
import { FD_FLAG, FILE_TYPE } from './abi.ts'
import { codeOf, Refusal } from './errno.ts'
import type { FileStatus, OpenFile } from './files.ts'
import { WouldWait } from './patience.ts'

/** What only sockets can. */
export interface SocketCalls {
  /** @param flags - of `FD_FLAG`, for the new one @throws {Refusal} EAGAIN, EINVAL for one that does not listen */
  accept(flags: number): OpenSocket
  /** @param flags - of `RECEIVE` */
  receive(into: Uint8Array[], flags: number): number
  /** @param how - of `SHUT` */
  shutdown(how: number): void
}

export type OpenSocket = OpenFile & { readonly socket: SocketCalls }

export { RECEIVE, SHUT }

/** @param number - of the line */
export function openListener(line: Line, number: number): OpenSocket {
  let waits = 1
  const notConnected = () => {
    throw new Refusal('ENOTCONN')
  }
  return {
    ...common(line, number),
    read: notConnected,
    write: notConnected,
    setFlags: (flags) => {
      waits = waitsWith(flags)
    },
    writable: () => false,
    socket: {
      accept: (flags) =>
        openConnected(line, patiently(line, waits, (now) => line.ask('accept', number, now)).answer, flags),
      receive: notConnected,
      shutdown: notConnected,
    },
  }
}

/** @param flags - of `FD_FLAG` */
export function openConnected(line: Line, number: number, flags: number): OpenSocket {
  let waits = waitsWith(flags)
  const receive = (into: Uint8Array[], receiveFlags: number) => {
    const size = Math.min(DATA_BYTES, sizeOf(into))
    if (size === 0) return 0
    const { answer } = patiently(line, waits, (now) => line.ask('receive', number, size, receiveFlags, now))
    return spread(line.data.subarray(0, answer), into)
  }
  return {
    ...common(line, number),
    read: (into) => receive(into, 0),
    write: (from) => {
      const size = gather(from, line.data)
      return size === 0 ? 0 : patiently(line, waits, (now) => line.ask('send', number, size, now)).answer
    },
    setFlags: (wanted) => {
      waits = waitsWith(wanted)
    },
    writable: () => (line.ask('look', number).answer & READY.writable) !== 0,
    socket: {
      accept: () => {
        throw new Refusal('EINVAL')
      },
      receive,
      shutdown: (how) => void line.ask('shutdown', number, how),
    },
  }
}

/** @throws {WouldWait} where the thread that asks waits for nobody */
function patiently<Answer>(line: Line, waits: number, ask: (waits: number) => Answer): Answer {
  if (line.waits || waits === 0) return ask(waits)
  try {
    return ask(0)
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') throw new WouldWait()
    throw error
  }
}

type Common = Omit<OpenSocket, 'read' | 'write' | 'setFlags' | 'writable' | 'socket'>

function common(line: Line, number: number): Common {
  const refuse = () => {
    throw new Refusal('EINVAL')
  }
  return {
    kind: 'file',
    status: () => STATUS,
    readable: () => {
      const { answer, more } = line.ask('look', number)
      return (answer & READY.readable) === 0 ? undefined : more
    },
    waitReadable: () => void line.ask('await', number),
    changes: line,
    truncate: refuse,
    setTimes: refuse,
    sync: refuse,
    datasync: refuse,
    close: () => void line.ask('close', number),
  }
}

const STATUS: FileStatus = {
  device: 0n,
  inode: 0n,
  type: FILE_TYPE.socketStream,
  links: 1n,
  size: 0n,
  accessedNs: 0n,
  modifiedNs: 0n,
  changedNs: 0n,
}

function waitsWith(flags: number): number {
  return (flags & FD_FLAG.nonblock) === 0 ? 1 : 0
}

function sizeOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0)
}

function spread(bytes: Uint8Array, into: readonly Uint8Array[]): number {
  let done = 0
  for (const buffer of into) {
    const part = bytes.subarray(done, done + buffer.length)
    buffer.set(part)
    done += part.length
  }
  return done
}

/** As much as fits. */
function gather(from: readonly Uint8Array[], into: Uint8Array): number {
  let done = 0
  for (const buffer of from) {
    const part = buffer.subarray(0, into.length - done)
    into.set(part, done)
    done += part.length
  }
  return done
}
