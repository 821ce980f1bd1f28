/** One HTTP exchange: retried where it is worth it, redirected where it is safe. undici is loaded with the first request. */
import type { Dispatcher } from 'undici'
import { readPackageVersion } from '../package-root.ts'
import { readCertificates } from './certificates.ts'
import { RegistryFault } from './errors.ts'
import { drain, type HttpRequest, type HttpResponse, type Transport } from './http.ts'
import { proxyFor } from './proxy.ts'
import { sendRetrying } from './retry.ts'

const MAX_REDIRECTS = 5
const STALL_MS = 60_000
const CONNECT_MS = 15_000
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
    known.catch(() => dispatchers.delete(key)) // whoever asked hears why; there is nothing to close
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
  return {
    send: async (request) => {
      let current = request
      for (let hops = 0; ; hops++) {
        const answer = await sendRetrying(current, { attempt, onRetry })
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
  const tls = url.protocol === 'https:' ? { ...certificates(url.host), rejectUnauthorized: !skipVerify } : {}
  const limits = { headersTimeout: STALL_MS, bodyTimeout: STALL_MS }
  if (proxy !== undefined) return new ProxyAgent({ uri: proxy, requestTls: tls, ...limits })
  return new Agent({ ...limits, connect: { ...tls, timeout: CONNECT_MS } })
}

function certificates(host: string): { ca: string[]; cert?: string; key?: string } {
  const { ca, cert, key } = readCertificates(host)
  return { ca: [...ca], ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
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
