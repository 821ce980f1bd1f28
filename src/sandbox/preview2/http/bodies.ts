/** Bodies of `wasi:http/types`, coming and going. */
import type { IncomingMessage, OutgoingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Clocks } from '../../preview1/clocks.ts'
import { Failure } from '../failure.ts'
import { Pollable } from '../poll.ts'
import { InputStream, IoError, OutputStream } from '../streams.ts'
import { type ErrorCode, errorCodeOf } from './error-code.ts'
import { type Fields, fromRaw, toPairs } from './fields.ts'
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
  readonly #message: IncomingMessage
  readonly stream: () => InputStream
  constructor(clocks: Clocks, message: IncomingMessage) {
    this.#clocks = clocks
    this.#message = message
    this.stream = once(() => new InputStream(clocks, readableSource(message)))
  }
  static finish(body: IncomingBody): FutureTrailers {
    body.#message.resume() // what nobody reads is before the trailers
    return new FutureTrailers(body.#clocks, body.#message)
  }
}

/** What comes after a body. */
export class FutureTrailers {
  readonly #clocks: Clocks
  readonly #message: IncomingMessage
  readonly #over: Promise<void>
  readonly #take: () => Outcome
  constructor(clocks: Clocks, message: IncomingMessage) {
    this.#clocks = clocks
    this.#message = message
    this.#over = new Promise((resolve) => {
      for (const event of ['end', 'error', 'close']) message.once(event, () => resolve())
    })
    this.#take = once(() => trailersOf(message))
  }
  subscribe(): Pollable {
    return new Pollable(this.#clocks, { ready: () => isOver(this.#message), wait: () => this.#over })
  }
  get() {
    return isOver(this.#message) ? attempt(this.#take) : undefined
  }
}

type Outcome =
  | { readonly tag: 'ok'; readonly val: Fields | undefined }
  | { readonly tag: 'err'; readonly val: ErrorCode }

const isOver = (message: IncomingMessage): boolean => message.complete || message.destroyed

function trailersOf({ complete, rawTrailers, errored }: IncomingMessage): Outcome {
  if (!complete) return { tag: 'err', val: errored === null ? { tag: 'connection-terminated' } : errorCodeOf(errored) }
  return { tag: 'ok', val: rawTrailers.length === 0 ? undefined : fromRaw(rawTrailers) }
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
  #trailers: Fields | undefined
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
    const some = trailers !== undefined && trailers.entries().length > 0
    // Only a body that is sent in chunks has an end to put them at.
    if (some && body.#length !== undefined) throw new Failure(WITHOUT_TRAILERS)
    if (some && trailers.entries().some(([name]) => FRAMING.has(name.toLowerCase()))) throw new Failure(NO_TRAILER)
    body.#trailers = trailers
    if (body.#length !== undefined && body.#written !== body.#length) {
      body.content.destroy()
      throw new Failure(wrongSize(body.#written))
    }
    body.#finished = true
    body.content.end()
  }

  /** Before anything else hears of its end. */
  sendTrailersWith(message: OutgoingMessage): void {
    this.content.once('end', () => {
      if (this.#trailers !== undefined) message.addTrailers(toPairs(this.#trailers))
    })
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

/** RFC 9110, 6.5.1: they say how to read what has been read by then. */
const FRAMING: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'trailer',
])
const WITHOUT_TRAILERS: ErrorCode = { tag: 'internal-error', val: 'a body of a declared length has no trailers' }
const NO_TRAILER: ErrorCode = { tag: 'internal-error', val: 'it cannot be a trailer' }
const wrongSize = (written: number): ErrorCode => ({ tag: 'HTTP-response-body-size', val: BigInt(written) })
