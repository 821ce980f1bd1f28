/** The sockets of one component: what the switchboard is asked for it, and what is left of them when it has ended. */
import type { Clocks } from '../../preview1/clocks.ts'
import type { Changes } from '../../preview1/files.ts'
import type { Line } from '../../sockets/line.ts'
import {
  type ConnectNote,
  type Endpoint,
  type Ends,
  readNote,
  type SocketFailure,
  writeNote,
} from '../../sockets/protocol.ts'
import { Failure } from '../failure.ts'
import { type Later, suspends } from '../poll.ts'
import { networkCode } from './error-code.ts'

/** @throws {SocketFailed} */
type Ask = (...question: Parameters<Line['ask']>) => number

export interface Switch {
  readonly ask: Ask
  /** The question, with addresses. */
  askWith(note: ConnectNote | Endpoint, ...question: Parameters<Line['ask']>): number
  readonly data: Uint8Array
  ends(number: number): Ends
  /** Whence the datagram is that was just received. */
  sender(): Endpoint
  /** A socket that is counted, and closed with the component at the latest. */
  own(number: number): Owned
  /** Whether a socket has any of the `READY` bits, or is closed. */
  isReady(socket: Owned, bits: number): boolean
  /** What depends on sockets, and nothing else. */
  until(ready: () => boolean): Waited
  closeAll(): void
}

interface Waited {
  ready(): boolean
  wait(): Later<void>
  readonly changes: Changes
}

/** A socket as long as somebody holds it. */
export interface Owned {
  readonly number: number
  readonly closed: boolean
  /** Called by each who has held it. */
  release(): void
  hold(): Owned
}

/** @param line - made when it is first asked */
export function openSwitch(clocks: Clocks, line: () => Line): Switch {
  const owned = new Set<Owned>()
  const ask: Ask = (...question) => line().ask(...question).answer
  const own = (number: number): Owned => {
    let holders = 1
    const socket: Owned = {
      number,
      get closed() {
        return holders <= 0
      },
      hold: () => {
        holders += 1
        return socket
      },
      release: () => {
        holders -= 1
        if (holders !== 0) return
        owned.delete(socket)
        ask('close', number)
      },
    }
    owned.add(socket)
    return socket
  }
  return {
    ask,
    askWith: (note, ...question) => {
      writeNote(line().note, note)
      return ask(...question)
    },
    get data() {
      return line().data
    },
    ends: (number) => {
      ask('ends', number)
      return readNote<Ends>(line().note)
    },
    sender: () => readNote<Endpoint>(line().note),
    own,
    isReady: (socket, bits) => socket.closed || (ask('look', socket.number) & bits) !== 0,
    until: (ready) => until(clocks, line(), ready),
    closeAll: () => {
      for (const { number } of owned) ask('close', number)
      owned.clear()
    },
  }
}

const LONGEST_WAIT_MS = 0x7fff_ffff

function until(clocks: Clocks, changes: Line, ready: () => boolean): Waited {
  const wait = (): Later<void> => {
    const seen = changes.changes()
    if (suspends(clocks)) return ready() ? Promise.resolve() : changes.changed(seen)
    if (!ready()) changes.waitForChange(seen, LONGEST_WAIT_MS)
    return undefined
  }
  return { ready, wait, changes }
}

/** A failure of the line, as components are told of it. */
export class SocketFailed extends Failure {
  readonly failure: SocketFailure
  /** What the payload says. */
  readonly code: string
  constructor(failure: SocketFailure) {
    const code = networkCode(failure)
    super(code)
    this.failure = failure
    this.code = code
  }
}
