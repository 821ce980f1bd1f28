/** When to ask again, and how long to wait before (RFC 9110, Retry-After). */
import { setTimeout as sleep } from 'node:timers/promises'
import { CoracleError } from '../errors.ts'
import { RegistryUnreachable } from './errors.ts'
import { drain, type HttpRequest, type HttpResponse } from './http.ts'

const MAX_ATTEMPTS = 5
const FIRST_DELAY_MS = 250
const MAX_DELAY_MS = 8_000
/** Longer than this nobody waits for a prompt: the user is told instead. */
const MAX_RETRY_AFTER_MS = 60_000
const RETRIED = new Set([408, 429, 500, 502, 503, 504])

export interface Attempts {
  readonly attempt: (request: HttpRequest) => Promise<HttpResponse>
  /** Told why, before the wait. */
  readonly onRetry: (reason: string) => void
}

/** @throws {RegistryUnreachable} no answer after all attempts */
export async function sendRetrying(request: HttpRequest, { attempt, onRetry }: Attempts): Promise<HttpResponse> {
  const { signal, url, attempts = MAX_ATTEMPTS } = request
  for (let tried = 1; ; tried++) {
    const outcome = await attempt(request).catch((error: unknown) => ({ error }))
    signal?.throwIfAborted()
    if ('error' in outcome) {
      if (outcome.error instanceof CoracleError) throw outcome.error // ours, not the network's
      if (tried >= attempts || isFinal(outcome.error)) throw new RegistryUnreachable(url.host, outcome.error)
      onRetry(outcome.error instanceof Error ? outcome.error.message : String(outcome.error))
      await pause(tried, { signal })
    } else {
      const giveUp = !isBusy(outcome.status) || tried >= attempts || asksForTooLong(outcome)
      if (giveUp) return outcome
      drain(outcome)
      onRetry(`${url.host} answered ${outcome.status}`)
      await pause(tried, { signal, answer: outcome })
    }
  }
}

/** Statuses that a later attempt may not get. */
export function isBusy(status: number): boolean {
  return RETRIED.has(status)
}

export function asksForTooLong(answer: HttpResponse): boolean {
  return (retryAfterMs(answer) ?? 0) > MAX_RETRY_AFTER_MS
}

/** Waits longer each time, or as long as the answer says. */
export async function pause(
  tried: number,
  { answer, signal }: { readonly answer?: HttpResponse | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const waitMs = (answer && retryAfterMs(answer)) ?? backOffMs(tried)
  await sleep(waitMs, undefined, signal === undefined ? {} : { signal })
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
