/** Requests and responses of `wasi:http/types`. */
import type { IncomingMessage } from 'node:http'
import type { Clocks } from '../../preview1/clocks.ts'
import { Failure } from '../failure.ts'
import { type Awaited, Pollable } from '../poll.ts'
import { attempt, IncomingBody, OutgoingBody, once } from './bodies.ts'
import type { ErrorCode } from './error-code.ts'
import { declaredLength, type Fields, fromRaw } from './fields.ts'

export type Variant = { readonly tag: string; readonly val?: string }

const METHODS = new Set(['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'])
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/

function methodOf(name: string): Variant {
  const tag = name.toLowerCase()
  return METHODS.has(tag) ? { tag } : { tag: 'other', val: name }
}

/** What came over a connection: headers, and a body that is taken once. */
class Incoming {
  protected readonly message: IncomingMessage
  readonly #headers: Fields
  readonly consume: () => IncomingBody
  constructor(clocks: Clocks, message: IncomingMessage) {
    this.message = message
    this.#headers = fromRaw(message.rawHeaders)
    this.consume = once(() => new IncomingBody(clocks, message))
  }
  headers(): Fields {
    return this.#headers
  }
}

export class IncomingRequest extends Incoming {
  method(): Variant {
    return methodOf(this.message.method ?? 'GET')
  }
  pathWithQuery(): string | undefined {
    const { url = '' } = this.message
    const [beginning] = ABSOLUTE.exec(url) ?? []
    return beginning === undefined ? url : url.slice(beginning.length).replace(/^(?!\/)/, '/')
  }
  scheme(): Variant {
    return { tag: 'HTTP' }
  }
  authority(): string | undefined {
    return ABSOLUTE.exec(this.message.url ?? '')?.[1] ?? this.message.headers.host
  }
}

export class IncomingResponse extends Incoming {
  status(): number {
    return this.message.statusCode ?? 0
  }
}

/** RFC 9112, 3.2.2: servers take what is written for a proxy, too; the host in it is the one that counts. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)/i

/** Classes that components construct themselves: bound to the clocks of their host. */
export function outgoingMessages(clocks: Clocks) {
  class OutgoingResponse {
    readonly fields: Fields
    status = 200
    /** Nothing as long as nobody has asked for it: then there is none. */
    content: OutgoingBody | undefined
    readonly body = once(() => {
      this.content = new OutgoingBody(clocks, declaredLength(this.fields))
      return this.content
    })
    constructor(headers: Fields) {
      this.fields = headers.freeze()
    }
    statusCode(): number {
      return this.status
    }
    setStatusCode(status: number): void {
      if (status < 100 || status > 999) throw new Failure()
      this.status = status
    }
    headers(): Fields {
      return this.fields
    }
  }

  class OutgoingRequest {
    readonly fields: Fields
    readonly request: { method: Variant; path?: string; scheme?: Variant; authority?: string } = {
      method: { tag: 'get' },
    }
    content: OutgoingBody | undefined
    readonly body = once(() => {
      this.content = new OutgoingBody(clocks, declaredLength(this.fields))
      return this.content
    })
    constructor(headers: Fields) {
      this.fields = headers.freeze()
    }
    method(): Variant {
      return this.request.method
    }
    setMethod(method: Variant): void {
      if (method.tag === 'other' && !TOKEN.test(method.val ?? '')) throw new Failure()
      this.request.method = method
    }
    pathWithQuery(): string | undefined {
      return this.request.path
    }
    setPathWithQuery(path: string | undefined): void {
      if (path !== undefined && !/^[/?*][!-~]*$/.test(path)) throw new Failure()
      if (path === undefined) delete this.request.path
      else this.request.path = path
    }
    scheme(): Variant | undefined {
      return this.request.scheme
    }
    setScheme(scheme: Variant | undefined): void {
      if (scheme === undefined) delete this.request.scheme
      else this.request.scheme = scheme
    }
    authority(): string | undefined {
      return this.request.authority
    }
    setAuthority(authority: string | undefined): void {
      if (authority !== undefined && !/^[\w.:[\]-]{1,300}$/.test(authority)) throw new Failure()
      if (authority === undefined) delete this.request.authority
      else this.request.authority = authority
    }
    headers(): Fields {
      return this.fields
    }
  }
  return { OutgoingResponse, OutgoingRequest }
}

export type OutgoingResponse = InstanceType<ReturnType<typeof outgoingMessages>['OutgoingResponse']>
export type OutgoingRequest = InstanceType<ReturnType<typeof outgoingMessages>['OutgoingRequest']>

type Result = { readonly tag: 'ok'; readonly val: OutgoingResponse } | { readonly tag: 'err'; readonly val: ErrorCode }

/** Where the answer to one request goes. */
export class ResponseOutparam {
  readonly #answer: (result: Result) => void
  constructor(answer: (result: Result) => void) {
    this.#answer = answer
  }
  static set(param: ResponseOutparam, result: Result): void {
    param.#answer(result)
  }
  sendInformational(): void {
    throw new Failure({ tag: 'internal-error', val: 'informational responses are not sent' })
  }
}

export class RequestOptions {
  #connect: bigint | undefined
  #first: bigint | undefined
  #between: bigint | undefined
  /** Nanoseconds. */
  connectTimeout(): bigint | undefined {
    return this.#connect
  }
  setConnectTimeout(ns: bigint | undefined): void {
    this.#connect = ns
  }
  firstByteTimeout(): bigint | undefined {
    return this.#first
  }
  setFirstByteTimeout(ns: bigint | undefined): void {
    this.#first = ns
  }
  betweenBytesTimeout(): bigint | undefined {
    return this.#between
  }
  setBetweenBytesTimeout(ns: bigint | undefined): void {
    this.#between = ns
  }
}

export class FutureIncomingResponse {
  readonly #clocks: Clocks
  readonly #awaited: Awaited
  readonly #take: () => unknown
  #outcome:
    | { readonly tag: 'ok'; readonly val: IncomingResponse }
    | { readonly tag: 'err'; readonly val: ErrorCode }
    | undefined
  constructor(clocks: Clocks, response: Promise<IncomingResponse>, codeOf: (error: unknown) => ErrorCode) {
    this.#clocks = clocks
    const settled = response.then(
      (val) => {
        this.#outcome = { tag: 'ok', val }
      },
      (error: unknown) => {
        this.#outcome = { tag: 'err', val: codeOf(error) }
      },
    )
    this.#awaited = { ready: () => this.#outcome !== undefined, wait: () => settled }
    this.#take = once(() => this.#outcome)
  }
  subscribe(): Pollable {
    return new Pollable(this.#clocks, this.#awaited)
  }
  get() {
    return this.#outcome === undefined ? undefined : attempt(this.#take)
  }
}
