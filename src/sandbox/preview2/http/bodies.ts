/** Bodies of `wasi:http/types`, coming and going. */
import { PassThrough, type Readable } from 'node:stream'
import type { Clocks } from '../../preview1/clocks.ts'
import { Failure } from '../failure.ts'
import { Pollable } from '../poll.ts'
import { InputStream, IoError, OutputStream } from '../streams.ts'
import type { ErrorCode } from './error-code.ts'
import type { Fields } from './fields.ts'
import { readableSource, writableSink } from './node-streams.ts'

/** Something that is there once: whoever asks again is refused. */
export function once<Value>(make: () => Value): () => Value {
  let taken = false
  return () => {
    if (taken) throw new Failure()
    taken = true
    return make()
  }
}

export class IncomingBody {
  readonly #clocks: Clocks
  readonly stream: () => InputStream
  constructor(clocks: Clocks, stream: Readable) {
    this.#clocks = clocks
    this.stream = once(() => new InputStream(clocks, readableSource(stream)))
  }
  static finish(body: IncomingBody): FutureTrailers {
    return new FutureTrailers(body.#clocks)
  }
}

/** Trailers are not passed on: there are none, at once. */
export class FutureTrailers {
  readonly #clocks: Clocks
  readonly #take = once(() => ({ tag: 'ok', val: undefined }))
  constructor(clocks: Clocks) {
    this.#clocks = clocks
  }
  subscribe(): Pollable {
    return new Pollable(this.#clocks, { ready: () => true })
  }
  get() {
    return attempt(this.#take)
  }
}

/** An outcome as a value, where it is inside of another one. */
export function attempt<Value>(work: () => Value): { tag: 'ok'; val: Value } | { tag: 'err'; val: unknown } {
  try {
    return { tag: 'ok', val: work() }
  } catch (error) {
    if (error instanceof Failure) return { tag: 'err', val: error.payload }
    throw error
  }
}

export class OutgoingBody {
  /** What is written and not sent yet; it ends when the body is finished, and is destroyed when it never will be. */
  readonly content = new PassThrough({ highWaterMark: 1 << 16 })
  readonly #length: number | undefined
  #written = 0
  #finished = false
  readonly write: () => OutputStream

  /** @param length - what the message says that there will be */
  constructor(clocks: Clocks, length: number | undefined) {
    this.#length = length
    this.write = once(
      () =>
        new OutputStream(
          clocks,
          writableSink(this.content, (bytes) => this.#count(bytes)),
        ),
    )
    this.content.on('error', () => {}) // whoever sends it is told as well
  }

  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    if (trailers !== undefined && trailers.entries().length > 0) throw new Failure(WITHOUT_TRAILERS)
    if (body.#length !== undefined && body.#written !== body.#length) {
      body.content.destroy()
      throw new Failure(wrongSize(body.#written))
    }
    body.#finished = true
    body.content.end()
  }

  /** Dropped before its end: the other side must not take what there is for all. */
  [Symbol.dispose](): void {
    if (!this.#finished) this.content.destroy(new Error('the body was not finished'))
  }

  #count(bytes: number): void {
    this.#written += bytes
    if (this.#length === undefined || this.#written <= this.#length) return
    this.content.destroy()
    throw new IoError('the body is longer than its content-length', { http: wrongSize(this.#written) })
  }
}

const WITHOUT_TRAILERS: ErrorCode = { tag: 'internal-error', val: 'trailers are not sent' }
const wrongSize = (written: number): ErrorCode => ({ tag: 'HTTP-response-body-size', val: BigInt(written) })
