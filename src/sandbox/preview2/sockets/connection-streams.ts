/** The two streams of a connection. Each holds it until it is dropped. */
import type { Clocks } from '../../preview1/clocks.ts'
import { READY } from '../../sockets/protocol.ts'
import { InputStream, IoError, OutputStream, type Sink, type Source, StreamClosed } from '../streams.ts'
import { type Owned, SocketFailed, type Switch } from './switch.ts'

export function connectionStreams(clocks: Clocks, board: Switch, socket: Owned): [InputStream, OutputStream] {
  return [
    new InputStream(clocks, sourceOf(board, socket.hold())),
    new OutputStream(clocks, sinkOf(board, socket.hold())),
  ]
}

function sourceOf(board: Switch, socket: Owned): Source {
  return {
    ...board.until(() => board.isReady(socket, READY.readable)),
    read: (max) => {
      try {
        const size = board.ask('receive', socket.number, max, 0, 0)
        return size === 0 ? undefined : board.data.slice(0, size)
      } catch (error) {
        if (isFailure(error, 'EAGAIN')) return new Uint8Array()
        throw broken(error)
      }
    },
    close: socket.release,
  }
}

function sinkOf(board: Switch, socket: Owned): Sink {
  const asking = (question: () => number): number => {
    try {
      return question()
    } catch (error) {
      if (isFailure(error, 'EPIPE')) throw new StreamClosed()
      throw broken(error)
    }
  }
  return {
    ...board.until(() => board.isReady(socket, READY.writable)),
    room: () => asking(() => board.ask('room', socket.number)),
    write: (bytes) => {
      if (bytes.length > board.data.length) throw tooMuch()
      asking(() => {
        board.data.set(bytes)
        return board.ask('push', socket.number, bytes.length)
      })
    },
    close: socket.release,
  }
}

const isFailure = (error: unknown, failure: string): boolean =>
  error instanceof SocketFailed && error.failure === failure

const tooMuch = () => new WebAssembly.RuntimeError('more was written than check-write allowed')

function broken(error: unknown): unknown {
  if (isFailure(error, 'EAGAIN')) return tooMuch()
  return error instanceof SocketFailed ? new IoError('the connection is gone', { network: error.code }) : error
}
