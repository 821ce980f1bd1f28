/** `wasi:sockets/tcp`: a socket that is bound, and then listens or connects. What is asked is done at once; only connecting takes time. */
import type { Clocks } from '../../preview1/clocks.ts'
import { type Endpoint, READY, SHUT } from '../../sockets/protocol.ts'
import { Failure } from '../failure.ts'
import { Pollable } from '../poll.ts'
import type { InputStream, OutputStream } from '../streams.ts'
import { type Family, localEndpoint, peerEndpoint, type SocketAddress, socketAddress } from './addresses.ts'
import { connectionStreams } from './connection-streams.ts'
import { type Owned, SocketFailed, type Switch } from './switch.ts'
import { type KeepAlive, mustBePositive, TcpOptions } from './tcp-options.ts'

export interface SocketHost {
  readonly clocks: Clocks
  readonly board: Switch
}

type State = 'unbound' | 'binding' | 'bound' | 'starting' | 'listening' | 'connecting' | 'connected' | 'closed'

interface Accepted {
  readonly socket: Owned
  readonly keepAlive: KeepAlive
}

export class TcpSocket extends TcpOptions {
  readonly #host: SocketHost
  readonly #family: Family
  #state: State = 'unbound'
  /** Where a state has one: the listener, or the connection. */
  #socket: Owned | undefined

  constructor(host: SocketHost, family: Family, accepted?: Accepted) {
    super()
    this.#host = host
    this.#family = family
    if (accepted === undefined) return
    this.#socket = accepted.socket
    this.keepAlive = accepted.keepAlive
    this.#state = 'connected'
    if (accepted.keepAlive.enabled) this.applyKeepAlive()
  }

  startBind(_network: unknown, address: SocketAddress): void {
    this.#mustBe('unbound')
    const { board } = this.#host
    this.#socket = board.own(board.askWith(localEndpoint(address, this.#family), 'bind'))
    this.#state = 'binding'
  }
  finishBind(): void {
    this.#finish('binding', 'bound')
  }

  startConnect(_network: unknown, address: SocketAddress): void {
    this.#mustBe('unbound', 'bound')
    const { board } = this.#host
    const remote = peerEndpoint(address, this.#family)
    const local = this.#socket === undefined ? undefined : board.ends(this.#socket.number).local
    this.#close() // the port is free again, for the connection
    this.#socket = board.own(board.askWith({ remote, local }, 'connect'))
    this.#state = 'connecting'
  }
  finishConnect(): [InputStream, OutputStream] {
    if (this.#state !== 'connecting' || this.#socket === undefined) throw new Failure('not-in-progress')
    const { clocks, board } = this.#host
    try {
      board.ask('outcome', this.#socket.number)
    } catch (error) {
      if (error instanceof SocketFailed && error.failure === 'EAGAIN') throw error
      this.#close()
      this.#state = 'closed'
      // Of a connection it means that there is no port left for its own end.
      throw error instanceof SocketFailed && error.failure === 'EADDRNOTAVAIL' ? new Failure('address-in-use') : error
    }
    this.#state = 'connected'
    if (this.keepAlive.enabled) this.applyKeepAlive()
    return connectionStreams(clocks, board, this.#socket)
  }

  startListen(): void {
    this.#mustBe('bound')
    this.#state = 'starting'
  }
  finishListen(): void {
    this.#finish('starting', 'listening')
    if (this.#socket !== undefined) this.#host.board.ask('start', this.#socket.number)
  }

  accept(): [TcpSocket, InputStream, OutputStream] {
    const { clocks, board } = this.#host
    const socket = board.own(board.ask('accept', this.#in('listening').number, 0))
    const made = new TcpSocket(this.#host, this.#family, { socket, keepAlive: this.keepAlive })
    return [made, ...connectionStreams(clocks, board, socket)]
  }

  localAddress(): SocketAddress {
    return this.#end('local', 'bound', 'starting', 'listening', 'connecting', 'connected')
  }
  remoteAddress(): SocketAddress {
    return this.#end('remote', 'connected')
  }
  isListening(): boolean {
    return this.#state === 'listening'
  }
  addressFamily(): Family {
    return this.#family
  }
  setListenBacklogSize(size: bigint): void {
    mustBePositive(size)
    if (this.#state === 'listening') throw new Failure('not-supported')
    if (['connecting', 'connected', 'closed'].includes(this.#state)) throw new Failure('invalid-state')
  }

  subscribe(): Pollable {
    const { clocks, board } = this.#host
    const ready = () => {
      const waits = this.#state === 'connecting' || this.#state === 'listening'
      return !waits || this.#socket === undefined || board.isReady(this.#socket, READY.readable | READY.writable)
    }
    return new Pollable(clocks, board.until(ready))
  }

  shutdown(how: 'receive' | 'send' | 'both'): void {
    const bits = (how === 'send' ? 0 : SHUT.receiving) | (how === 'receive' ? 0 : SHUT.sending)
    this.#host.board.ask('shutdown', this.#in('connected').number, bits)
  }

  [Symbol.dispose](): void {
    this.#close()
    this.#state = 'closed'
  }

  protected override applyKeepAlive(): void {
    if (this.#state !== 'connected' || this.#socket === undefined) return
    const { enabled, idleNs } = this.keepAlive
    this.#host.board.ask('keepAlive', this.#socket.number, enabled ? 1 : 0, Number(idleNs / 1_000_000_000n))
  }

  #close(): void {
    this.#socket?.release()
    this.#socket = undefined
  }
  #mustBe(...states: readonly State[]): void {
    if (states.includes(this.#state)) return
    const busy = ['binding', 'starting', 'connecting'].includes(this.#state)
    throw new Failure(busy ? 'concurrency-conflict' : 'invalid-state')
  }
  #finish(from: State, to: State): void {
    if (this.#state !== from) throw new Failure('not-in-progress')
    this.#state = to
  }
  #in(...states: readonly State[]): Owned {
    if (!states.includes(this.#state) || this.#socket === undefined) throw new Failure('invalid-state')
    return this.#socket
  }
  #end(which: 'local' | 'remote', ...states: readonly State[]): SocketAddress {
    const found: Endpoint | undefined = this.#host.board.ends(this.#in(...states).number)[which]
    if (found === undefined) throw new Failure('invalid-state')
    return socketAddress(found)
  }
}
