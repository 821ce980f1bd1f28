/** All sockets of one module, in the thread whose event loop runs: listens, connects, and answers questions about them. */
import { activeAnswers } from './active-answers.ts'
import { type Connection, SocketError } from './connection.ts'
import { openCrowd } from './crowd.ts'
import { openInput } from './input.ts'
import { listen } from './listener.ts'
import { CELL, failureNumber, QUESTION, READY, type SharedLine, STATE } from './protocol.ts'
import { type Entry, openTable, type Table } from './table.ts'

export interface Switchboard {
  /** Resolves when the question that is in the line has been answered. */
  answer(): Promise<void>
}

type Answer = (first: number, second: number, third: number, fourth: number) => Promise<number> | number

/** By the numbers of the questions. */
export type Answers = Readonly<Record<number, Answer>>

/** @throws {NodeJS.ErrnoException} a port that cannot be listened on */
export async function openSwitchboard(line: SharedLine, ports: readonly number[]): Promise<Switchboard> {
  const { cells } = line
  const table = openTable()
  const crowd = openCrowd(() => {
    Atomics.add(cells, CELL.changes, 1)
    Atomics.notify(cells, CELL.changes)
  })
  for (const port of ports) table.add(await listen({ port, crowd, started: true }))
  const answers: Answers = {
    ...passiveAnswers(table, line),
    ...activeAnswers(table, crowd, line),
    [QUESTION.input]: (fd) => table.add(openInput(fd, crowd.changed)),
  }
  return {
    answer: async () => {
      const question = Atomics.load(cells, CELL.question)
      const [first, second, third, fourth] = [CELL.first, CELL.second, CELL.third, CELL.fourth].map((cell) =>
        Atomics.load(cells, cell),
      ) as [number, number, number, number]
      let answer: number
      try {
        answer = (await answers[question]?.(first, second, third, fourth)) ?? failureNumber('EINVAL')
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error
        answer = failureNumber(error.code)
      }
      Atomics.store(cells, CELL.answer, answer)
      Atomics.store(cells, CELL.state, STATE.idle)
      Atomics.notify(cells, CELL.state)
    },
  }
}

/** About sockets that a module is given, and what it accepts from them. */
function passiveAnswers(table: Table, { cells, data }: SharedLine): Answers {
  const closing = new Set<Connection>()
  const connectionAt = (number: number) => table.of('connection', number, 'ENOTCONN')
  return {
    [QUESTION.accept]: async (number, waits) => {
      const listener = table.of('listener', number, 'EINVAL')
      table.mustHaveRoom()
      return table.add(await patiently(listener, waits, () => listener.waiting.shift() ?? 'EAGAIN'))
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
    [QUESTION.push]: (number, size) => connectionAt(number).push(data.subarray(0, size)),
    [QUESTION.shutdown]: (number, how) => {
      connectionAt(number).shutdown(how)
      return 0
    },
    [QUESTION.close]: (number) => {
      const entry = table.at(number)
      table.remove(number)
      closeEntry(entry, closing)
      return 0
    },
    [QUESTION.look]: (number) => {
      const { ready, bytes } = table.at(number).look()
      Atomics.store(cells, CELL.more, bytes)
      return ready
    },
    [QUESTION.await]: async (number) => {
      const entry = table.at(number)
      while ((entry.look().ready & READY.readable) === 0) await entry.changed()
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

function closeEntry(entry: Entry, closing: Set<Connection>): void {
  if (entry.kind === 'connection') letGo(entry, closing)
  else entry.close()
  if (entry.kind === 'listener') for (const connection of entry.waiting.splice(0)) letGo(connection, closing)
}

function letGo(connection: Connection, closing: Set<Connection>): void {
  connection.close()
  closing.add(connection)
  const forget = () => closing.delete(connection)
  connection.closed().then(forget, forget)
}
