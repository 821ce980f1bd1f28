/** A port of the host that nobody has, asked of the kernel by binding it for a moment. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { InvalidArgument } from '../../errors.ts'
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
  const binds = protocol === 'udp' ? bindsUdp : bindsTcp
  const count = last - first + 1
  for (let index = 0; index < count; index += 1) {
    const port = first + ((start - first + index) % count)
    if (!isTaken(port) && (await bindsAll(addresses, port, binds))) return port
  }
  throw new InvalidArgument(`all ports of ${first}-${last} are taken`)
}

async function bindsAll(addresses: readonly string[], port: number, binds: typeof bindsTcp): Promise<boolean> {
  for (const address of addresses) if (!(await binds(address, port))) return false
  return true
}

async function bindsTcp(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen({ host, port, exclusive: true, ipv6Only: true }, () => server.close(() => resolve(true)))
  return promise
}

async function bindsUdp(address: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = address.includes(':') ? createSocket({ type: 'udp6', ipv6Only: true }) : createSocket('udp4')
  socket.once('error', () => resolve(false))
  socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(true)))
  return promise
}
