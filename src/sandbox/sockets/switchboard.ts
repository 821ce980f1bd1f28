/** All sockets of one module, in the thread whose event loop runs: listens, accepts, and answers questions about them. */
import { createServer, type Server, type Socket } from 'node:net'
import { type Connection, openChange, openConnection, RECEIVE_WINDOW_BYTES, SocketError } from './connection.ts'
import { CELL, failureNumber, QUESTION, READY, type SharedLine, STATE } from './protocol.ts'

/** Together, those that wait to be accepted among them; more are closed as they come. */
const MAX_CONNECTIONS = 1024

interface Listener {
  readonly kind: 'listener'
  readonly server: Server
  readonly waiting: Connection[]
  changed(): Promise<void>
}

export interface Switchboard {
  /** Resolves when the question that is in the line has been answered. */
  answer(): Promise<void>
}

/** @throws {NodeJS.ErrnoException} a port that cannot be listened on */
export async function openSwitchboard(line: SharedLine, ports: readonly number[]): Promise<Switchboard> {
  const sockets: (Listener | Connection | undefined)[] = []
  const closing = new Set<Connection>()
  for (const port of ports) sockets.push(await listen(port))
  const answers = answersOf(sockets, closing, line)
  return {
    answer: async () => {
      const question = Atomics.load(line.cells, CELL.question)
      const [first, second, third, fourth] = [CELL.first, CELL.second, CELL.third, CELL.fourth].map((cell) =>
        Atomics.load(line.cells, cell),
      ) as [number, number, number, number]
      let answer: number
      try {
        answer = (await answers[question]?.(first, second, third, fourth)) ?? failureNumber('EINVAL')
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error
        answer = failureNumber(error.code)
      }
      Atomics.store(line.cells, CELL.answer, answer)
      Atomics.store(line.cells, CELL.state, STATE.idle)
      Atomics.notify(line.cells, CELL.state)
    },
  }
}

type Answer = (first: number, second: number, third: number, fourth: number) => Promise<number> | number

function answersOf(
  sockets: (Listener | Connection | undefined)[],
  closing: Set<Connection>,
  { cells, data }: SharedLine,
): Record<number, Answer> {
  const socketAt = (number: number) => {
    const found = sockets[number]
    if (found === undefined) throw new SocketError('EBADF')
    return found
  }
  const connectionAt = (number: number) => {
    const found = socketAt(number)
    if (found.kind !== 'connection') throw new SocketError('ENOTCONN')
    return found
  }
  return {
    [QUESTION.accept]: async (number, waits) => {
      const listener = socketAt(number)
      if (listener.kind !== 'listener') throw new SocketError('EINVAL')
      const connection = await patiently(listener, waits, () => listener.waiting.shift() ?? 'EAGAIN')
      const free = sockets.indexOf(undefined)
      const at = free === -1 ? sockets.length : free
      sockets[at] = connection
      return at
    },
    [QUESTION.receive]: async (number, size, flags, waits) => {
      const connection = connectionAt(number)
      const most = Math.min(size >>> 0, data.length)
      const bytes = await patiently(connection, waits, () => connection.receive(most, flags))
      data.set(bytes)
      return bytes.length
    },
    [QUESTION.send]: (number, size, waits) => {
      const connection = connectionAt(number)
      const bytes = data.subarray(0, Math.min(size >>> 0, data.length))
      return patiently(connection, waits, () => connection.send(bytes))
    },
    [QUESTION.shutdown]: (number, how) => {
      connectionAt(number).shutdown(how)
      return 0
    },
    [QUESTION.close]: (number) => {
      const socket = socketAt(number)
      sockets[number] = undefined
      if (socket.kind === 'connection') letGo(socket, closing)
      else closeListener(socket, closing)
      return 0
    },
    [QUESTION.look]: (number) => {
      const socket = socketAt(number)
      const { ready, bytes } =
        socket.kind === 'connection'
          ? socket.look()
          : { ready: socket.waiting.length > 0 ? READY.readable : 0, bytes: socket.waiting.length }
      Atomics.store(cells, CELL.more, bytes)
      return ready
    },
    [QUESTION.await]: async (number) => {
      const socket = socketAt(number)
      const isReady = () =>
        socket.kind === 'connection' ? (socket.look().ready & READY.readable) !== 0 : socket.waiting.length > 0
      while (!isReady()) await socket.changed()
      return 0
    },
    [QUESTION.finish]: async () => {
      await Promise.all([...closing].map((connection) => connection.closed()))
      return 0
    },
  }
}

async function patiently<Value>(
  socket: Pick<Connection, 'changed'>,
  waits: number,
  attempt: () => Value | 'EAGAIN',
): Promise<Value> {
  for (;;) {
    // Asked for before the attempt, so that nothing happens in between unseen.
    const change = socket.changed()
    const result = attempt()
    if (result !== 'EAGAIN') return result as Value
    if (waits === 0) throw new SocketError('EAGAIN')
    await change
  }
}

function letGo(connection: Connection, closing: Set<Connection>): void {
  connection.close()
  closing.add(connection)
  const forget = () => closing.delete(connection)
  connection.closed().then(forget, forget)
}

function closeListener({ server, waiting }: Listener, closing: Set<Connection>): void {
  server.close()
  for (const connection of waiting.splice(0)) letGo(connection, closing)
}

function listen(port: number): Promise<Listener> {
  const waiting: Connection[] = []
  const change = openChange()
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    highWaterMark: RECEIVE_WINDOW_BYTES,
  })
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (socket: Socket) => {
    waiting.push(openConnection(socket))
    change.tell()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Of IPv6 as well where the host has it.
    server.listen({ port }, () => resolve({ kind: 'listener', server, waiting, changed: change.next }))
  })
}
