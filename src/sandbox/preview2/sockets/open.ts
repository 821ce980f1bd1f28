/** The sockets of all instances of a component: one thread has them, started by who first needs it. */
import type { Clocks } from '../../preview1/clocks.ts'
import { type Line, openIdleLine } from '../../sockets/line.ts'
import { openSwitch, SocketFailed, type Switch } from './switch.ts'

export interface Sockets {
  /** For one instance. */
  openBoard(): Switch
  closeBoard(board: Switch | undefined): void
  /** What was sent has left when it resolves. */
  close(): Promise<void>
}

export function openSockets(clocks: Clocks): Sockets {
  const boards = new Set<Switch>()
  let line: Line | undefined
  const start = () => {
    line ??= openIdleLine({ fail: (failure) => new SocketFailed(failure), waits: true })
    return line
  }
  const closeBoard = (board: Switch | undefined) => {
    if (board !== undefined && boards.delete(board)) board.closeAll()
  }
  return {
    openBoard: () => {
      const board = openSwitch(clocks, start)
      boards.add(board)
      return board
    },
    closeBoard,
    close: async () => {
      for (const board of boards) closeBoard(board)
      await line?.close()
    },
  }
}
