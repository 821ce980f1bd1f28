/** Of sockets. Preview 1 makes none: a module has those that it was given, and what they accept. */
import { ALL_FD_FLAGS, RIGHT, SOCKET_RIGHTS } from './abi.ts'
import type { Context, WasiFunctions } from './context.ts'
import { type Descriptors, newDescriptor } from './descriptors.ts'
import { Refusal } from './errno.ts'
import { RECEIVE, SHUT, type SocketCalls } from './sockets.ts'

const ALL_RECEIVE = RECEIVE.peek | RECEIVE.waitAll
const ALL_SHUT = SHUT.receiving | SHUT.sending

export function socketFunctions({ memory, descriptors }: Context): WasiFunctions {
  return {
    sock_accept: (fd: number, flags: number, resultAt: number) => {
      const listener = socketAt(descriptors, fd, RIGHT.sockAccept)
      if ((flags & ~ALL_FD_FLAGS) !== 0) throw new Refusal('EINVAL')
      memory.need(resultAt, 4)
      const open = listener.accept(flags)
      const { type } = open.status()
      const accepted = newDescriptor(open, type, { rights: SOCKET_RIGHTS, inheriting: 0, flags })
      memory.writeU32(resultAt, descriptors.add(accepted))
    },
    sock_recv: (fd: number, at: number, count: number, flags: number, sizeAt: number, flagsAt: number) => {
      const socket = socketAt(descriptors, fd, RIGHT.fdRead)
      if ((flags & ~ALL_RECEIVE) !== 0) throw new Refusal('EINVAL')
      memory.need(sizeAt, 4)
      memory.need(flagsAt, 2)
      const buffers = memory.vectors(at, count)
      memory.writeU32(sizeAt, socket.receive(buffers, flags))
      memory.writeU16(flagsAt, 0) // nothing of a stream is cut
    },
    sock_send: (fd: number, at: number, count: number, flags: number, sizeAt: number) => {
      socketAt(descriptors, fd, RIGHT.fdWrite)
      if (flags !== 0) throw new Refusal('EINVAL')
      memory.need(sizeAt, 4)
      const buffers = memory.vectors(at, count)
      memory.writeU32(sizeAt, descriptors.file(fd, RIGHT.fdWrite).open.write(buffers, undefined))
    },
    sock_shutdown: (fd: number, how: number) => {
      const socket = socketAt(descriptors, fd, RIGHT.sockShutdown)
      if (how === 0 || (how & ~ALL_SHUT) !== 0) throw new Refusal('EINVAL')
      socket.shutdown(how)
    },
  }
}

/** @throws {Refusal} EBADF, also for a directory, which is none of the things these functions know; ENOTSOCK, ENOTCAPABLE */
function socketAt(descriptors: Descriptors, fd: number, rights: number): SocketCalls {
  const { open } = descriptors.get(fd)
  if (open.kind === 'directory') throw new Refusal('EBADF')
  if (open.socket === undefined) throw new Refusal('ENOTSOCK')
  descriptors.get(fd, rights)
  return open.socket
}
