/**
 * `wasi:sockets`. What a component may reach is not decided here: its sockets are in the container's own network namespace, whose
 * rules see every packet, and its names are asked of the container's resolver. Without a network all is refused.
 */
import { Failure } from '../failure.ts'
import type { Interfaces } from '../host.ts'
import type { IoError } from '../streams.ts'
import type { Family } from './addresses.ts'
import { ResolveAddressStream, resolveAddresses } from './lookup.ts'
import { type SocketHost, TcpSocket } from './tcp.ts'
import { IncomingDatagramStream, OutgoingDatagramStream, UdpSocket } from './udp.ts'

/** There is one network. */
class Network {}

/** @param host - nothing where there is no network */
export function socketInterfaces(host: SocketHost | undefined): Interfaces {
  const given = (): SocketHost => {
    if (host === undefined) throw new Failure('access-denied')
    return host
  }
  return {
    'wasi:sockets/network': { Network, networkErrorCode: (error: IoError) => error.networkCode },
    'wasi:sockets/instance-network': { instanceNetwork: () => new Network() },
    'wasi:sockets/ip-name-lookup': {
      ResolveAddressStream,
      resolveAddresses: (_network: unknown, name: string) => resolveAddresses(given(), name),
    },
    'wasi:sockets/tcp': { TcpSocket },
    'wasi:sockets/tcp-create-socket': { createTcpSocket: (family: Family) => new TcpSocket(given(), family) },
    'wasi:sockets/udp': { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream },
    'wasi:sockets/udp-create-socket': { createUdpSocket: (family: Family) => new UdpSocket(given(), family) },
  }
}
