/** Requests and answers, and reading what the other side sends without trusting its length. */
import type { Readable } from 'node:stream'
import { RegistryFault, RegistryUnreachable } from './errors.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** Called for each attempt: a body is sent from its start again. */
  readonly body?: (() => Readable | Uint8Array | Promise<Readable>) | undefined
  readonly signal?: AbortSignal | undefined
  readonly skipVerify?: boolean
  /** How often to try at most; several times by default. */
  readonly attempts?: number | undefined
  /** Follow redirects; `authorization` stays behind when the host changes. */
  readonly follow?: boolean
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readable
  readonly url: URL
}

export interface Transport {
  /** @throws {RegistryUnreachable} no answer after all attempts */
  send(request: HttpRequest): Promise<HttpResponse>
  close(): Promise<void>
}

/** Reads a body of at most `limit` bytes; a longer one is an error of the other side. */
export async function readBody(answer: HttpResponse, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit)
        throw new RegistryFault(answer.url.host, `sends more than ${limit} bytes where that is too much`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof RegistryFault ? error : new RegistryUnreachable(answer.url.host, error)
  }
  return Buffer.concat(chunks)
}

const MAX_ERROR_BYTES = 64 * 1024
const MAX_DETAIL = 300

/** What an error answer says, in one bounded line: `{"errors":[{code, message}]}`, or some proxy's page, which says nothing. */
export async function errorDetail(answer: HttpResponse): Promise<{ readonly code: string; readonly text: string }> {
  const body = await readBody(answer, MAX_ERROR_BYTES).catch(() => Buffer.alloc(0))
  try {
    const parsed = JSON.parse(body.toString('utf8')) as {
      readonly errors?: readonly { readonly code?: unknown; readonly message?: unknown }[]
      readonly details?: unknown
      readonly error_description?: unknown
    }
    const [first] = parsed.errors ?? []
    // Token servers have words of their own: Docker Hub's, and OAuth2's.
    return { code: plain(first?.code), text: plain(first?.message ?? parsed.details ?? parsed.error_description) }
  } catch {
    return { code: '', text: '' }
  }
}

/** One line without control characters, which could do things to a terminal. */
function plain(value: unknown): string {
  return typeof value === 'string' ? value.replace(/[^\x20-\x7e\u00a0-\uffff]/g, ' ').slice(0, MAX_DETAIL) : ''
}

/** Lets a connection be used again by reading what nobody wants. */
export function drain(answer: HttpResponse | undefined): void {
  answer?.body.on('error', () => {}).resume()
}

/** Gives a connection up in the middle of an answer. */
export function discard(answer: HttpResponse): void {
  answer.body.on('error', () => {}).destroy()
}
