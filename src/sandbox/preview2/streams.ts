/** `wasi:io/streams` and `wasi:io/error` over whatever has bytes to give or takes them. */
import type { Clocks } from '../preview1/clocks.ts'
import { codeOf } from '../preview1/errno.ts'
import type { Changes } from '../preview1/files.ts'
import { Failure, fileErrorCode } from './failure.ts'
import { type Later, Pollable } from './poll.ts'

interface ErrorCodes {
  readonly file?: string
  readonly http?: { readonly tag: string }
  readonly network?: string
}

export class IoError {
  readonly #text: string
  /** Of `wasi:filesystem/types`, where it was a file that failed. */
  readonly fileCode: string | undefined
  /** Of `wasi:http/types`. */
  readonly httpCode: { readonly tag: string } | undefined
  /** Of `wasi:sockets/network`. */
  readonly networkCode: string | undefined
  constructor(text: string, codes: ErrorCodes = {}) {
    this.#text = text
    this.fileCode = codes.file
    this.httpCode = codes.http
    this.networkCode = codes.network
  }
  toDebugString(): string {
    return this.#text
  }
}

export interface Source {
  /** At most `max` bytes; none when there are none yet, undefined at the end. */
  read(max: number): Uint8Array | undefined
  /** Whether a read would tell something. */
  ready(): boolean
  /** Returns, or resolves, when it may be ready. */
  wait(): Later<void>
  readonly changes?: Changes | undefined
  close?(): void
}

export interface Sink {
  /** Bytes that can be taken now. @throws {StreamClosed} nobody takes them any more */
  room(): number
  /** Takes all of them, if need be by waiting in the call. */
  write(bytes: Uint8Array): void
  /** Everything is on its way. */
  flush?(): void
  /** There is room, or nobody is there any more. */
  wait?(): Later<void>
  readonly changes?: Changes | undefined
  close?(): void
}

/** Thrown by a sink that nobody listens to. */
export class StreamClosed extends Error {}

const CLOSED = { tag: 'closed' }
/** A read gives no more at once, whatever it is asked for. */
const MAX_BYTES = 1 << 20

function streaming<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof Failure) throw error
    if (error instanceof StreamClosed || codeOf(error) === 'EPIPE') throw new Failure(CLOSED)
    const val = error instanceof IoError ? error : new IoError('input/output error', { file: fileErrorCode(error) })
    throw new Failure({ tag: 'last-operation-failed', val })
  }
}

const then = <Result>(wait: Later<void>, next: () => Result): Later<Result> =>
  wait instanceof Promise ? wait.then(next) : next()

export class InputStream {
  readonly #clocks: Clocks
  readonly #source: Source
  constructor(clocks: Clocks, source: Source) {
    this.#clocks = clocks
    this.#source = source
  }
  read(length: bigint): Uint8Array {
    if (length === 0n) return new Uint8Array()
    const bytes = streaming(() => this.#source.read(length < MAX_BYTES ? Number(length) : MAX_BYTES))
    if (bytes === undefined) throw new Failure(CLOSED)
    return bytes
  }
  blockingRead(length: bigint): Later<Uint8Array> {
    if (this.#source.ready() || length === 0n) return this.read(length)
    return then(
      streaming(() => this.subscribe().block()),
      () => this.read(length),
    )
  }
  skip(length: bigint): bigint {
    return BigInt(this.read(length).length)
  }
  blockingSkip(length: bigint): Later<bigint> {
    const bytes = this.blockingRead(length)
    return bytes instanceof Promise ? bytes.then(({ length: skipped }) => BigInt(skipped)) : BigInt(bytes.length)
  }
  subscribe(): Pollable {
    const source = this.#source
    return new Pollable(this.#clocks, {
      ready: () => source.ready(),
      wait: () => source.wait(),
      changes: source.changes,
    })
  }
  [Symbol.dispose](): void {
    this.#source.close?.()
  }
}

export class OutputStream {
  readonly #clocks: Clocks
  readonly #sink: Sink
  constructor(clocks: Clocks, sink: Sink) {
    this.#clocks = clocks
    this.#sink = sink
  }
  checkWrite(): bigint {
    return BigInt(streaming(() => this.#sink.room()))
  }
  write(bytes: Uint8Array): void {
    streaming(() => this.#sink.write(bytes))
  }
  flush(): void {
    streaming(() => this.#sink.flush?.())
  }
  blockingFlush(): Later<void> {
    this.flush()
    return this.#waitForRoom()
  }
  blockingWriteAndFlush(bytes: Uint8Array): Later<void> {
    this.write(bytes)
    return this.blockingFlush()
  }
  writeZeroes(length: bigint): void {
    this.write(zeroes(length))
  }
  blockingWriteZeroesAndFlush(length: bigint): Later<void> {
    return this.blockingWriteAndFlush(zeroes(length))
  }
  splice(from: InputStream, length: bigint): bigint {
    const room = this.checkWrite()
    const bytes = from.read(length < room ? length : room)
    this.write(bytes)
    return BigInt(bytes.length)
  }
  blockingSplice(from: InputStream, length: bigint): Later<bigint> {
    const move = (bytes: Uint8Array) => {
      this.write(bytes)
      return then(this.#waitForRoom(), () => BigInt(bytes.length))
    }
    const bytes = from.blockingRead(length)
    return bytes instanceof Promise ? bytes.then(move) : move(bytes)
  }
  subscribe(): Pollable {
    const sink = this.#sink
    return new Pollable(this.#clocks, {
      ready: () => hasRoom(sink),
      wait: () => sink.wait?.(),
      changes: sink.changes,
    })
  }
  [Symbol.dispose](): void {
    this.#sink.close?.()
  }
  #waitForRoom(): Later<void> {
    return hasRoom(this.#sink) ? undefined : this.subscribe().block()
  }
}

/** A closed one is ready too: to say so. */
function hasRoom(sink: Sink): boolean {
  try {
    return sink.room() > 0
  } catch (error) {
    if (error instanceof StreamClosed) return true
    throw error
  }
}

function zeroes(length: bigint): Uint8Array {
  if (length > MAX_BYTES) throw new WebAssembly.RuntimeError('more zeroes than the stream has room for')
  return new Uint8Array(Number(length))
}
