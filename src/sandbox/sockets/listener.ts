/** A port on which a module listens, and who waits there to be accepted. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Connection, openChange, openConnection, RECEIVE_WINDOW_BYTES } from './connection.ts'
import type { Crowd } from './crowd.ts'
import { type Ends, READY } from './protocol.ts'

export interface Listener {
  readonly kind: 'listener'
  readonly waiting: Connection[]
  /** From now on whoever comes waits to be accepted; until then they are refused. */
  start(): void
  ends(): Ends
  look(): { readonly ready: number; readonly bytes: number }
  changed(): Promise<void>
  /** At once: the port is free when it returns. Those who wait are not touched. */
  close(): void
}

export interface ListenOptions {
  readonly port: number
  /** Without it: all, of IPv6 as well where the host has it. */
  readonly address?: string
  readonly crowd: Crowd
  /** Whether it takes connections at once. */
  readonly started: boolean
}

/** @throws {NodeJS.ErrnoException} it cannot be listened on */
export function listen({ port, address, crowd, started }: ListenOptions): Promise<Listener> {
  const waiting: Connection[] = []
  const change = openChange(crowd.changed)
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: RECEIVE_WINDOW_BYTES })
  let takes = started
  server.on('connection', (socket: Socket) => {
    if (!takes || !crowd.join(socket)) return void socket.resetAndDestroy()
    waiting.push(openConnection(socket, crowd.changed))
    change.tell()
  })
  const listener: Listener = {
    kind: 'listener',
    waiting,
    start: () => {
      takes = true
    },
    ends: () => {
      const { address: local, port: number } = server.address() as AddressInfo
      return { local: { address: local, port: number } }
    },
    look: () => ({ ready: waiting.length > 0 ? READY.readable : 0, bytes: waiting.length }),
    changed: change.next,
    close: () => void server.close(),
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(address !== undefined && { host: address, ipv6Only: true }) }, () => resolve(listener))
  })
}
