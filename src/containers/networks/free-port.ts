/** A port of the host that nobody has, asked of the kernel by binding it for a moment. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { InvalidArgument } from '../../errors.ts'
import type { Protocol } from '../../network/ports/parse.ts'

export interface PortSearch {
  readonly protocol: Protocol
  readonly hostIp: string
  readonly first: number
  readonly last: number
  readonly start: number
}

/** @throws {InvalidArgument} all of them are taken */
export async function freePort({ protocol, hostIp, first, last, start }: PortSearch): Promise<number> {
  const count = last - first + 1
  for (let index = 0; index < count; index += 1) {
    const port = first + ((start - first + index) % count)
    const isFree = protocol === 'udp' ? await bindsUdp(hostIp, port) : await bindsTcp(hostIp, port)
    if (isFree) return port
  }
  throw new InvalidArgument(`all ports of ${first}-${last} are taken`)
}

async function bindsTcp(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen({ host: host === '' ? '0.0.0.0' : host, port, exclusive: true }, () =>
    server.close(() => resolve(true)),
  )
  return promise
}

async function bindsUdp(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.once('error', () => resolve(false))
  socket.bind({ address: host === '' ? '0.0.0.0' : host, port, exclusive: true }, () =>
    socket.close(() => resolve(true)),
  )
  return promise
}
