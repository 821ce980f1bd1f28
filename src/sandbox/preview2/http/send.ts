/** `wasi:http/outgoing-handler`: requests go where the network of the container lets them. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Clocks } from '../../preview1/clocks.ts'
import { Failure } from '../failure.ts'
import { type ErrorCode, errorCodeOf } from './error-code.ts'
import { toRaw } from './fields.ts'
import { FutureIncomingResponse, IncomingResponse, type OutgoingRequest, type RequestOptions } from './messages.ts'

/** Thrown by what was waited for too long. */
class TimedOut extends Error {
  readonly httpCode: ErrorCode
  constructor(tag: string) {
    super(tag)
    this.httpCode = { tag }
  }
}

const MAX_TIMEOUT_MS = 0x7fff_ffff

export function sendRequest(
  clocks: Clocks,
  request: OutgoingRequest,
  options: RequestOptions | undefined,
): FutureIncomingResponse {
  const scheme = request.scheme()?.tag ?? 'HTTPS'
  if (scheme !== 'HTTP' && scheme !== 'HTTPS') throw new Failure({ tag: 'HTTP-protocol-error' })
  if (request.authority() === undefined) throw new Failure({ tag: 'HTTP-request-URI-invalid' })
  const response = respond(request, { scheme, options }).then((message) => new IncomingResponse(clocks, message))
  return new FutureIncomingResponse(clocks, response, (error) =>
    error instanceof TimedOut ? error.httpCode : errorCodeOf(error),
  )
}

interface How {
  readonly scheme: 'HTTP' | 'HTTPS'
  readonly options: RequestOptions | undefined
}

async function respond(request: OutgoingRequest, { scheme, options }: How): Promise<IncomingMessage> {
  const { request: open } = scheme === 'HTTP' ? await import('node:http') : await import('node:https')
  const { tag, val = '' } = request.method()
  const authority = request.authority() ?? ''
  const sent = open(new URL(`${scheme.toLowerCase()}://${authority}`), {
    method: tag === 'other' ? val : tag.toUpperCase(),
    path: request.pathWithQuery() ?? '/',
    headers: ['Host', authority, ...toRaw(request.fields)],
    agent: false,
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).on('error', reject)
  })
  limit(sent, options)
  const content = request.content?.content
  request.content?.sendTrailersWith(sent)
  if (content === undefined) sent.end()
  else {
    content.once('error', (error) => sent.destroy(error))
    content.once('close', () => content.readableEnded || sent.destroy())
    content.pipe(sent)
  }
  return answered
}

function limit(sent: ClientRequest, options: RequestOptions | undefined): void {
  const after = (ns: bigint | undefined, tag: string) =>
    ns === undefined
      ? undefined
      : setTimeout(() => sent.destroy(new TimedOut(tag)), Math.min(Number(ns / 1_000_000n) + 1, MAX_TIMEOUT_MS))
  const connecting = after(options?.connectTimeout(), 'connection-timeout')
  const waiting = after(options?.firstByteTimeout(), 'HTTP-response-timeout')
  sent.once('socket', (socket) => socket.once('connect', () => clearTimeout(connecting)))
  sent.once('response', () => clearTimeout(waiting))
  sent.once('close', () => {
    clearTimeout(connecting)
    clearTimeout(waiting)
  })
}
