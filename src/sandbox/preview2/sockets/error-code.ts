/** `wasi:sockets/network.error-code`, from what the switchboard says. */
import type { SocketFailure } from '../../sockets/protocol.ts'

const CODES: Readonly<Partial<Record<SocketFailure, string>>> = {
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  EAFNOSUPPORT: 'not-supported',
  EINVAL: 'invalid-argument',
  ENOBUFS: 'out-of-memory',
  ENOMEM: 'out-of-memory',
  ETIMEDOUT: 'timeout',
  EAGAIN: 'would-block',
  ENOTCONN: 'invalid-state',
  EMFILE: 'new-socket-limit',
  EADDRNOTAVAIL: 'address-not-bindable',
  EADDRINUSE: 'address-in-use',
  ENETUNREACH: 'remote-unreachable',
  EHOSTUNREACH: 'remote-unreachable',
  ENETDOWN: 'remote-unreachable',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  ECONNABORTED: 'connection-aborted',
  EMSGSIZE: 'datagram-too-large',
  ENOTFOUND: 'name-unresolvable',
  EAI_AGAIN: 'temporary-resolver-failure',
  EAI_FAIL: 'permanent-resolver-failure',
}

export function networkCode(failure: SocketFailure): string {
  return CODES[failure] ?? 'unknown'
}
