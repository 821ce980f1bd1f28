/** Answers about sockets that the module makes itself, as components do. */
import { Socket } from 'node:net'
import { openConnection, RECEIVE_WINDOW_BYTES, SocketError } from './connection.ts'
import type { Crowd } from './crowd.ts'
import { bindDatagrams } from './datagrams.ts'
import { listen } from './listener.ts'
import { type ConnectNote, type Endpoint, QUESTION, readNote, type SharedLine, writeNote } from './protocol.ts'
import { askForName } from './question.ts'
import type { Answers } from './switchboard.ts'
import type { Table } from './table.ts'

export function activeAnswers(table: Table, crowd: Crowd, { data, note }: SharedLine): Answers {
  return {
    [QUESTION.connect]: () => {
      table.mustHaveRoom()
      return table.add(connect(readNote<ConnectNote>(note), crowd))
    },
    [QUESTION.outcome]: (number) => {
      table.of('connection', number, 'EINVAL').outcome()
      return 0
    },
    [QUESTION.room]: (number) => table.of('connection', number, 'ENOTCONN').room(),
    [QUESTION.keepAlive]: (number, enable, idleSeconds) => {
      table.of('connection', number, 'ENOTCONN').keepAlive(enable !== 0, idleSeconds)
      return 0
    },
    [QUESTION.bind]: async () => {
      table.mustHaveRoom()
      return table.add(await listen({ ...readNote<Endpoint>(note), crowd, started: false }))
    },
    [QUESTION.start]: (number) => {
      table.of('listener', number, 'EINVAL').start()
      return 0
    },
    [QUESTION.ends]: (number) => {
      const entry = table.at(number)
      if (entry.kind === 'question') throw new SocketError('ENOTSOCK')
      writeNote(note, entry.ends())
      return 0
    },
    ...datagramAnswers(table, crowd, { data, note }),
    [QUESTION.resolve]: (size) => {
      table.mustHaveRoom()
      return table.add(askForName(Buffer.from(data.subarray(0, size)).toString(), crowd.changed))
    },
    [QUESTION.resolved]: (number) => {
      const bytes = Buffer.from(table.of('question', number, 'EINVAL').answer().join('\n')).subarray(0, data.length)
      data.set(bytes)
      return bytes.length
    },
  }
}

function datagramAnswers(table: Table, crowd: Crowd, { data, note }: Omit<SharedLine, 'cells'>): Answers {
  const datagramsAt = (number: number) => table.of('datagrams', number, 'EINVAL')
  return {
    [QUESTION.bindDatagrams]: async () => {
      table.mustHaveRoom()
      return table.add(await bindDatagrams(readNote<Endpoint>(note), crowd.changed))
    },
    [QUESTION.associate]: async (number, hasPeer) => {
      await datagramsAt(number).associate(hasPeer === 0 ? undefined : readNote<Endpoint>(note))
      return 0
    },
    [QUESTION.sendDatagram]: (number, size, hasAddress) =>
      datagramsAt(number).send(data.subarray(0, size), hasAddress === 0 ? undefined : readNote<Endpoint>(note)),
    [QUESTION.receiveDatagram]: (number) => {
      const datagram = datagramsAt(number).receive()
      if (datagram === 'EAGAIN') throw new SocketError('EAGAIN')
      data.set(datagram.bytes)
      writeNote(note, datagram.from)
      return datagram.bytes.length
    },
    [QUESTION.hopLimit]: (number, hops) => {
      datagramsAt(number).setHopLimit(hops)
      return 0
    },
  }
}

function connect({ remote, local }: ConnectNote, crowd: Crowd) {
  const windows = { readableHighWaterMark: RECEIVE_WINDOW_BYTES, writableHighWaterMark: RECEIVE_WINDOW_BYTES }
  const socket = new Socket({ allowHalfOpen: true, ...windows })
  if (!crowd.join(socket)) throw new SocketError('EMFILE')
  const connection = openConnection(socket, crowd.changed)
  socket.setNoDelay(true)
  socket.connect({
    host: remote.address,
    port: remote.port,
    ...(local !== undefined && { localAddress: local.address, localPort: local.port }),
  })
  return connection
}
