/** `wasi:sockets`, of which a component gets none: whoever asks for one is refused, as without a network. */
import { Failure } from './failure.ts'
import type { Interfaces } from './host.ts'

const refuse = (): never => {
  throw new Failure('access-denied')
}

/** There is never one of these; the bindings want their names. */
class Nothing {}

export function noSockets(): Interfaces {
  return {
    'wasi:sockets/network': { Network: Nothing, networkErrorCode: () => undefined },
    'wasi:sockets/instance-network': { instanceNetwork: () => new Nothing() },
    'wasi:sockets/ip-name-lookup': { ResolveAddressStream: class extends Nothing {}, resolveAddresses: refuse },
    'wasi:sockets/tcp': { TcpSocket: class extends Nothing {} },
    'wasi:sockets/tcp-create-socket': { createTcpSocket: refuse },
    'wasi:sockets/udp': {
      UdpSocket: class extends Nothing {},
      IncomingDatagramStream: class extends Nothing {},
      OutgoingDatagramStream: class extends Nothing {},
    },
    'wasi:sockets/udp-create-socket': { createUdpSocket: refuse },
  }
}
