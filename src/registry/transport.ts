/** One HTTP exchange: retried where it is worth it, redirected where it is safe. undici is loaded with the first request. */
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { readPackageVersion } from '../package-root.ts'
import { readCertificates } from './certificates.ts'
import { RegistryFault, RegistryUnreachable } from './errors.ts'
import { proxyFor } from './proxy.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** Called for each attempt: a body is sent from its start again. */
  readonly body?: (() => Readable | Uint8Array | Promise<Readable>) | undefined
  readonly signal?: AbortSignal | undefined
  readonly skipVerify?: boolean
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

const MAX_ATTEMPTS = 5
const FIRST_DELAY_MS = 250
const MAX_DELAY_MS = 8_000
/** Longer than this nobody waits for a prompt: the user is told instead. */
const MAX_RETRY_AFTER_MS = 60_000
const MAX_REDIRECTS = 5
const STALL_MS = 60_000
const CONNECT_MS = 15_000
const RETRIED = new Set([408, 429, 500, 502, 503, 504])
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** @param onRetry - told why, before the wait */
export function openTransport(onRetry: (reason: string) => void = () => {}): Transport {
  const dispatchers = new Map<string, Promise<Dispatcher>>()
  const version = readPackageVersion()
  const dispatcherFor = (url: URL, skipVerify: boolean) => {
    const proxy = proxyFor(url)
    const key = `${url.protocol}//${url.host} ${proxy ?? ''} ${skipVerify}`
    const known = dispatchers.get(key) ?? openDispatcher(url, proxy, skipVerify)
    dispatchers.set(key, known)
    return known
  }
  const attempt = async (request: HttpRequest): Promise<HttpResponse> => {
    const { url, method, signal, body, skipVerify = false } = request
    const dispatcher = await dispatcherFor(url, skipVerify)
    const { request: send } = await import('undici')
    const headers = { 'user-agent': `coracle/${version} (linux; ${process.arch})`, ...request.headers }
    const content = body === undefined ? null : await body()
    const answer = await send(url, { method, headers, dispatcher, signal: signal ?? null, body: content })
    return { status: answer.statusCode, headers: answer.headers, body: answer.body, url }
  }
  const retrying = async (request: HttpRequest): Promise<HttpResponse> => {
    for (let tried = 1; ; tried++) {
      const outcome = await attempt(request).catch((error: unknown) => error)
      request.signal?.throwIfAborted()
      const answer = isResponse(outcome) ? outcome : undefined
      if (answer !== undefined && !RETRIED.has(answer.status)) return answer
      const waitMs = answer === undefined ? undefined : retryAfterMs(answer)
      const last = tried === MAX_ATTEMPTS || (waitMs !== undefined && waitMs > MAX_RETRY_AFTER_MS)
      if (last && answer !== undefined) return answer
      if (last || isFinal(outcome)) throw new RegistryUnreachable(request.url.host, outcome)
      drain(answer)
      onRetry(
        answer === undefined ? String((outcome as Error).message) : `${request.url.host} answered ${answer.status}`,
      )
      await sleep(waitMs ?? backOffMs(tried), undefined, request.signal === undefined ? {} : { signal: request.signal })
    }
  }
  return {
    send: async (request) => {
      let current = request
      for (let hops = 0; ; hops++) {
        const answer = await retrying(current)
        const location = answer.headers['location']
        if (request.follow !== true || !REDIRECTS.has(answer.status) || typeof location !== 'string') return answer
        drain(answer)
        if (hops === MAX_REDIRECTS) throw new RegistryFault(request.url.host, 'redirects without an end')
        current = redirected(current, location)
      }
    },
    close: async () => {
      for (const dispatcher of dispatchers.values()) await (await dispatcher).destroy()
      dispatchers.clear()
    },
  }
}

async function openDispatcher(url: URL, proxy: string | undefined, skipVerify: boolean): Promise<Dispatcher> {
  const { Agent, ProxyAgent } = await import('undici')
  const tls = url.protocol === 'https:' ? { ...certificates(url), rejectUnauthorized: !skipVerify } : {}
  const limits = { headersTimeout: STALL_MS, bodyTimeout: STALL_MS }
  if (proxy !== undefined) return new ProxyAgent({ uri: proxy, requestTls: tls, ...limits })
  return new Agent({ ...limits, connect: { ...tls, timeout: CONNECT_MS } })
}

function certificates(url: URL): { ca?: string[]; cert?: string; key?: string } {
  const { ca, cert, key } = readCertificates(url.host)
  return { ...(ca && { ca: [...ca] }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
}

function isResponse(outcome: unknown): outcome is HttpResponse {
  return typeof outcome === 'object' && outcome !== null && 'status' in outcome && 'body' in outcome
}

/** What no second attempt changes: names that do not exist, certificates that are wrong, http where https was meant. */
function isFinal(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return /^(?:ENOTFOUND|ERR_SSL|ERR_TLS|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|ERR_INVALID|UND_ERR_INVALID|ECONNREFUSED)/.test(
    code,
  )
}

function backOffMs(tried: number): number {
  const full = Math.min(FIRST_DELAY_MS * 2 ** (tried - 1), MAX_DELAY_MS)
  return full / 2 + Math.random() * (full / 2)
}

/** Seconds, or an HTTP date. */
export function retryAfterMs({ headers }: Pick<HttpResponse, 'headers'>, nowMs = Date.now()): number | undefined {
  const value = headers['retry-after']
  if (typeof value !== 'string') return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** Another host gets no credentials; nor does one that is suddenly spoken to without encryption. */
function redirected(request: HttpRequest, location: string): HttpRequest {
  const url = URL.canParse(location, request.url) ? new URL(location, request.url) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new RegistryFault(request.url.host, 'redirects to no address')
  const same = url.host === request.url.host && url.protocol === request.url.protocol
  const { authorization, ...rest } = request.headers ?? {}
  const headers = same && authorization !== undefined ? { ...rest, authorization } : rest
  return { ...request, url, headers }
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
    const parsed = JSON.parse(body.toString('utf8')) as { errors?: { code?: unknown; message?: unknown }[] }
    const [first] = parsed.errors ?? []
    const text = String(first?.message ?? '')
      .replace(/[^\x20-\x7e\u00a0-\uffff]/g, ' ')
      .slice(0, MAX_DETAIL)
    return { code: String(first?.code ?? ''), text }
  } catch {
    return { code: '', text: '' }
  }
}

/** Lets a connection be used again by reading what nobody wants. */
export function drain(answer: HttpResponse | undefined): void {
  answer?.body.on('error', () => {}).resume()
}

/** Gives a connection up in the middle of an answer. */
export function discard(answer: HttpResponse): void {
  answer.body.on('error', () => {}).destroy()
}
