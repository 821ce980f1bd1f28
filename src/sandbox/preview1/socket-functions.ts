/** Of sockets: a module is given none yet, so that what it holds is never one. */
import type { Context, WasiFunctions } from './context.ts'
import { Refusal } from './errno.ts'

/** @throws {Refusal} EBADF, ENOTSOCK */
export function socketFunctions({ descriptors }: Context): WasiFunctions {
  const refuse = (fd: number) => {
    descriptors.get(fd)
    throw new Refusal('ENOTSOCK')
  }
  return { sock_accept: refuse, sock_recv: refuse, sock_send: refuse, sock_shutdown: refuse }
}
