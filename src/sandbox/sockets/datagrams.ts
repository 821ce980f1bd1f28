/** One UDP socket: what has come and was not taken yet, and what is sent. */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { openChange, SocketError } from './connection.ts'
import { type Endpoint, type Ends, READY } from './protocol.ts'

export interface Datagram {
  readonly bytes: Buffer
  readonly from: Endpoint
}

export interface Datagrams {
  readonly kind: 'datagrams'
  /** Only with this one from now on; with anybody when there is none. */
  associate(peer: Endpoint | undefined): Promise<void>
  /** Resolves when the kernel has taken it. */
  send(bytes: Uint8Array, to: Endpoint | undefined): Promise<number>
  /** @throws {SocketError} what the network said about what was sent before */
  receive(): Datagram | 'EAGAIN'
  setHopLimit(hops: number): void
  ends(): Ends
  look(): { readonly ready: number; readonly bytes: number }
  changed(): Promise<void>
  close(): void
}

/** What nobody has taken yet. More is dropped as it comes, which is what datagrams are subject to anyway. */
const MAX_KEPT_BYTES = 65_536
const MAX_KEPT = 64

/** @throws {NodeJS.ErrnoException} the address cannot be had */
export async function bindDatagrams({ address, port }: Endpoint, onChange: () => void): Promise<Datagrams> {
  const change = openChange(onChange)
  const socket = isIPv6(address) ? createSocket({ type: 'udp6', ipv6Only: true }) : createSocket('udp4')
  const state = { peer: undefined as Endpoint | undefined, failure: undefined as string | undefined }
  const inbox = openInbox()
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close() // Node leaves it open
      reject(error)
    }
    socket.once('error', fail)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', fail)
      resolve()
    })
  })
  socket.on('error', ({ code = 'EIO' }: NodeJS.ErrnoException) => {
    state.failure = code
    change.tell()
  })
  socket.on('message', (bytes, { address: from, port: number }) => {
    const { peer } = state
    if (peer !== undefined && (peer.port !== number || !sameAddress(peer.address, from))) return
    if (inbox.put({ bytes, from: { address: from, port: number } })) change.tell()
  })
  return {
    kind: 'datagrams',
    associate: async (peer) => {
      if (state.peer !== undefined) socket.disconnect()
      state.peer = undefined
      if (peer !== undefined) await connect(socket, peer)
      state.peer = peer
      inbox.clear()
    },
    send: (bytes, to) => send(socket, bytes, to),
    receive: () => {
      const code = state.failure
      state.failure = undefined // told once, as the kernel does
      if (code !== undefined) throw new SocketError(code)
      return inbox.take() ?? 'EAGAIN'
    },
    setHopLimit: (hops) => socket.setTTL(hops),
    ends: () => ({ local: socket.address(), remote: state.peer }),
    look: () => ({
      ready: READY.writable | (inbox.count() > 0 || state.failure !== undefined ? READY.readable : 0),
      bytes: inbox.count(),
    }),
    changed: change.next,
    close: () => socket.close(),
  }
}

const sameAddress = (one: string, other: string): boolean => one.split('%', 1)[0] === other.split('%', 1)[0]

function connect(socket: Socket, { port, address }: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.connect(port, address, ((error?: Error) => (error ? reject(error) : resolve())) as () => void)
  })
}

function send(socket: Socket, bytes: Uint8Array, to: Endpoint | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = (error: Error | null, size: number) => (error ? reject(error) : resolve(size))
    if (to === undefined) socket.send(bytes.slice(), sent)
    else socket.send(bytes.slice(), to.port, to.address, sent)
  })
}

function openInbox() {
  let kept: Datagram[] = []
  let size = 0
  return {
    count: () => kept.length,
    /** @returns false when there is no room */
    put: (datagram: Datagram) => {
      const full = kept.length >= MAX_KEPT || (kept.length > 0 && size + datagram.bytes.length > MAX_KEPT_BYTES)
      if (full) return false
      kept.push(datagram)
      size += datagram.bytes.length
      return true
    },
    take: () => {
      const first = kept.shift()
      size -= first?.bytes.length ?? 0
      return first
    },
    clear: () => {
      kept = []
      size = 0
    },
  }
}
