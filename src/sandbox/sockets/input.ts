/** What can be read from a descriptor of the process, as it comes: a pipe or a terminal, opened for this alone. */
import { Socket } from 'node:net'
import { isatty, ReadStream } from 'node:tty'
import { type Connection, openConnection } from './connection.ts'

/** @throws {Error} ERR_INVALID_FD_TYPE it is something else */
export function openInput(fd: number, onChange: () => void): Connection {
  const socket = isatty(fd) ? new ReadStream(fd) : new Socket({ fd, writable: false })
  return openConnection(socket, onChange)
}
