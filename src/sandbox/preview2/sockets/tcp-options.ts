/** What can be set on a TCP socket. It holds from the connection on, and for all that a listener accepts. */
import { RECEIVE_WINDOW_BYTES, SEND_WINDOW_BYTES } from '../../sockets/connection.ts'
import { Failure } from '../failure.ts'

/** @throws {Failure} invalid-argument: nothing may be set to nothing */
export function mustBePositive(value: bigint | number): void {
  if (value <= 0) throw new Failure('invalid-argument')
}

const SECOND_NS = 1_000_000_000n
/** Linux's own, as are the others. */
const HOP_LIMIT = 64

export interface KeepAlive {
  readonly enabled: boolean
  readonly idleNs: bigint
}

/** Base of the resource. Node passes the first wait of keep-alive on, and neither the others nor the hops. */
export abstract class TcpOptions {
  protected keepAlive: KeepAlive = { enabled: false, idleNs: 7200n * SECOND_NS }

  /** Called when `keepAlive` has changed. */
  protected abstract applyKeepAlive(): void

  keepAliveEnabled(): boolean {
    return this.keepAlive.enabled
  }
  setKeepAliveEnabled(enabled: boolean): void {
    this.keepAlive = { ...this.keepAlive, enabled }
    this.applyKeepAlive()
  }
  keepAliveIdleTime(): bigint {
    return this.keepAlive.idleNs
  }
  setKeepAliveIdleTime(ns: bigint): void {
    mustBePositive(ns)
    const seconds = (ns + SECOND_NS - 1n) / SECOND_NS
    this.keepAlive = {
      ...this.keepAlive,
      idleNs: (seconds < MAX_IDLE_SECONDS ? seconds : MAX_IDLE_SECONDS) * SECOND_NS,
    }
    this.applyKeepAlive()
  }
  keepAliveInterval(): bigint {
    return SECOND_NS
  }
  setKeepAliveInterval(ns: bigint): void {
    mustBePositive(ns)
  }
  keepAliveCount(): number {
    return 10
  }
  setKeepAliveCount(count: number): void {
    mustBePositive(count)
  }
  hopLimit(): number {
    return HOP_LIMIT
  }
  setHopLimit(hops: number): void {
    mustBePositive(hops)
    if (hops !== HOP_LIMIT) throw new Failure('not-supported')
  }
  receiveBufferSize(): bigint {
    return BigInt(RECEIVE_WINDOW_BYTES)
  }
  setReceiveBufferSize(bytes: bigint): void {
    mustBePositive(bytes)
  }
  sendBufferSize(): bigint {
    return BigInt(SEND_WINDOW_BYTES)
  }
  setSendBufferSize(bytes: bigint): void {
    mustBePositive(bytes)
  }
}

/** The kernel takes no more. */
const MAX_IDLE_SECONDS = 32_767n
