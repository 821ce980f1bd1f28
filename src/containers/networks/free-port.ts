/** A port of the host that nobody has, asked of the kernel by binding it for a moment. */

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { InvalidArgument } from '../../errors.ts'
import { isSix } from '../../network/cidr.ts'
import type { Protocol } from '../../network/ports/parse.ts'

export interface PortSearch {
  readonly protocol: Protocol
  /** Of the host; it must be free at all of them. */
  readonly addresses: readonly string[]
  readonly first: number
  readonly last: number
  readonly start: number
  /** By the same container. */
  isTaken(port: number): boolean
}

/** @throws {InvalidArgument} all of them are taken */
export async function freePort({ protocol, addresses, first, last, start, isTaken }: PortSearch): Promise<number> {
  const count = last - first + 1
  for (let index = 0; index < count; index += 1) {
    const port = first + ((start - first + index) % count)
    if (!isTaken(port) && (await bindsAll(protocol, addresses, port))) return port
  }
  throw new InvalidArgument(`all ports of ${first}-${last} are taken`)
}

async function bindsAll(protocol: Protocol, addresses: readonly string[], hostPort: number): Promise<boolean> {
  for (const hostIp of addresses) if ((await bindFailure({ protocol, hostIp, hostPort })) !== undefined) return false
  return true
}

/** @returns undefined when the port is free; the kernel's word (`EADDRINUSE` …) otherwise. Ports of sctp are asked for as tcp. */
export async function bindFailure(place: {
  readonly protocol: Protocol
  readonly hostIp: string
  readonly hostPort: number
}): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const { protocol, hostIp: address, hostPort: port } = place
  const six = isSix(address)
  const failed = ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'EIO')
  if (protocol === 'udp') {
    const socket = six ? createSocket({ type: 'udp6', ipv6Only: true }) : createSocket('udp4')
    socket.once('error', failed)
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)))
  } else {
    const server = createServer()
    server.once('error', failed)
    const where = { host: address, port, exclusive: true, ipv6Only: six }
    server.listen(where, () => server.close(() => resolve(undefined)))
  }
  return promise
}
