/** `wasi:sockets/udp`: a socket that is bound, and streams of datagrams to and from everybody, or one peer. */
import { READY } from '../../sockets/protocol.ts'
import { Failure } from '../failure.ts'
import { Pollable } from '../poll.ts'
import { type Family, localEndpoint, remoteEndpoint, type SocketAddress, socketAddress } from './addresses.ts'
import { type Owned, SocketFailed } from './switch.ts'
import type { SocketHost } from './tcp.ts'
import { mustBePositive } from './tcp-options.ts'

/** Of UDP over IPv4; what the kernel takes may be less. */
const MAX_DATAGRAM_BYTES = 65_507
const MAX_AT_ONCE = 16
const BUFFER_BYTES = 65_536n

interface Channel {
  readonly host: SocketHost
  readonly socket: Owned
  readonly family: Family
  readonly peer: SocketAddress | undefined
  /** Only the last pair of streams works. */
  isCurrent(): boolean
}

function mustBeCurrent({ isCurrent }: Channel): void {
  if (!isCurrent()) throw new Failure('invalid-state')
}

function subscribe({ host: { clocks, board }, socket, isCurrent }: Channel, bits: number): Pollable {
  return new Pollable(
    clocks,
    board.until(() => !isCurrent() || board.isReady(socket, bits)),
  )
}

export interface IncomingDatagram {
  readonly data: Uint8Array
  readonly remoteAddress: SocketAddress
}

export class IncomingDatagramStream {
  readonly #channel: Channel
  constructor(channel: Channel) {
    this.#channel = channel
    channel.socket.hold()
  }
  receive(max: bigint): IncomingDatagram[] {
    mustBeCurrent(this.#channel)
    const found: IncomingDatagram[] = []
    while (found.length < max && found.length < MAX_AT_ONCE) {
      const next = this.#next(found.length > 0)
      if (next === undefined) break
      found.push(next)
    }
    return found
  }
  subscribe(): Pollable {
    return subscribe(this.#channel, READY.readable)
  }
  [Symbol.dispose](): void {
    this.#channel.socket.release()
  }
  /** Nothing when there is none, or an error that nobody must miss a datagram for. */
  #next(forgives: boolean): IncomingDatagram | undefined {
    const { host, socket } = this.#channel
    try {
      const size = host.board.ask('receiveDatagram', socket.number)
      return { data: host.board.data.slice(0, size), remoteAddress: socketAddress(host.board.sender()) }
    } catch (error) {
      if (error instanceof SocketFailed && (forgives || error.failure === 'EAGAIN')) return undefined
      throw error
    }
  }
}

export interface OutgoingDatagram {
  readonly data: Uint8Array
  readonly remoteAddress?: SocketAddress
}

export class OutgoingDatagramStream {
  readonly #channel: Channel
  #permitted = 0
  constructor(channel: Channel) {
    this.#channel = channel
    channel.socket.hold()
  }
  checkSend(): bigint {
    mustBeCurrent(this.#channel)
    this.#permitted = MAX_AT_ONCE
    return BigInt(this.#permitted)
  }
  send(datagrams: readonly OutgoingDatagram[]): bigint {
    mustBeCurrent(this.#channel)
    if (datagrams.length > this.#permitted)
      throw new WebAssembly.RuntimeError('more datagrams were sent than check-send allowed')
    let sent = 0
    for (const datagram of datagrams) {
      try {
        this.#sendOne(datagram)
      } catch (error) {
        if (sent === 0 || !(error instanceof Failure)) throw error
        break
      }
      sent += 1
    }
    this.#permitted -= sent
    return BigInt(sent)
  }
  subscribe(): Pollable {
    return subscribe(this.#channel, READY.writable)
  }
  [Symbol.dispose](): void {
    this.#channel.socket.release()
  }
  #sendOne({ data, remoteAddress }: OutgoingDatagram): void {
    const { host, socket, family, peer } = this.#channel
    const { board } = host
    if (data.length > MAX_DATAGRAM_BYTES) throw new Failure('datagram-too-large')
    const to = remoteAddress === undefined ? undefined : remoteEndpoint(remoteAddress, family)
    if (peer === undefined) {
      if (to === undefined) throw new Failure('invalid-argument')
      board.data.set(data)
      board.askWith(to, 'sendDatagram', socket.number, data.length, 1)
      return
    }
    const known = remoteEndpoint(peer, family)
    if (to !== undefined && (to.address !== known.address || to.port !== known.port))
      throw new Failure('invalid-argument')
    board.data.set(data)
    board.ask('sendDatagram', socket.number, data.length, 0)
  }
}

export class UdpSocket {
  readonly #host: SocketHost
  readonly #family: Family
  #socket: Owned | undefined
  #bound = false
  #peer: SocketAddress | undefined
  #streams = 0
  #hopLimit = 64

  constructor(host: SocketHost, family: Family) {
    this.#host = host
    this.#family = family
  }
  startBind(_network: unknown, address: SocketAddress): void {
    if (this.#socket !== undefined) throw new Failure(this.#bound ? 'invalid-state' : 'concurrency-conflict')
    const { board } = this.#host
    this.#socket = board.own(board.askWith(localEndpoint(address, this.#family), 'bindDatagrams'))
    if (this.#hopLimit !== 64) this.#applyHopLimit()
  }
  finishBind(): void {
    if (this.#socket === undefined || this.#bound) throw new Failure('not-in-progress')
    this.#bound = true
  }
  stream(peer: SocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    const socket = this.#mustBeBound()
    const { board } = this.#host
    if (peer === undefined) board.ask('associate', socket.number, 0)
    else board.askWith(remoteEndpoint(peer, this.#family), 'associate', socket.number, 1)
    this.#peer = peer
    this.#streams += 1
    const pair = this.#streams
    const isCurrent = () => pair === this.#streams
    const channel: Channel = { host: this.#host, socket, family: this.#family, peer, isCurrent }
    return [new IncomingDatagramStream(channel), new OutgoingDatagramStream(channel)]
  }
  localAddress(): SocketAddress {
    const { local } = this.#host.board.ends(this.#mustBeBound().number)
    if (local === undefined) throw new Failure('invalid-state')
    return socketAddress(local)
  }
  remoteAddress(): SocketAddress {
    if (this.#peer === undefined) throw new Failure('invalid-state')
    return this.#peer
  }
  addressFamily(): Family {
    return this.#family
  }
  unicastHopLimit(): number {
    return this.#hopLimit
  }
  setUnicastHopLimit(hops: number): void {
    mustBePositive(hops)
    this.#hopLimit = hops
    this.#applyHopLimit()
  }
  receiveBufferSize(): bigint {
    return BUFFER_BYTES
  }
  setReceiveBufferSize(bytes: bigint): void {
    mustBePositive(bytes)
  }
  sendBufferSize(): bigint {
    return BUFFER_BYTES
  }
  setSendBufferSize(bytes: bigint): void {
    mustBePositive(bytes)
  }
  subscribe(): Pollable {
    return new Pollable(this.#host.clocks, { ready: () => true })
  }
  [Symbol.dispose](): void {
    this.#socket?.release()
    this.#socket = undefined
  }
  #mustBeBound(): Owned {
    if (this.#socket === undefined || !this.#bound) throw new Failure('invalid-state')
    return this.#socket
  }
  #applyHopLimit(): void {
    if (this.#socket !== undefined) this.#host.board.ask('hopLimit', this.#socket.number, this.#hopLimit)
  }
}
