/** One file from an `https://` address, for those who know what it is by its digest. */
import { CoracleError } from '../errors.ts'
import { DownloadFailed, reasonOf } from './errors.ts'
import { drain, type HttpResponse, readBody, type Transport } from './http.ts'
import { header } from './manifests.ts'
import { isLoopback } from './networks.ts'
import { openTransport } from './transport.ts'

export interface DownloadLimits {
  readonly maxBytes: number
  /** For all of it, redirects included. */
  readonly timeoutMs: number
}

const MAX_REDIRECTS = 5
const MAX_ATTEMPTS = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Plain http is spoken with this machine alone, and where an address leads elsewhere, that is https again.
 *
 * @throws {DownloadFailed} no answer, none in time, one that is too long, no file, or a page for people
 */
export async function downloadFile(url: URL, { maxBytes, timeoutMs }: DownloadLimits): Promise<Buffer> {
  const transport = openTransport()
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const answer = await follow(transport, url, signal)
    const length = Number(header(answer, 'content-length') ?? 0)
    if (length > maxBytes) throw new DownloadFailed(url, `it is larger than ${maxBytes >> 20} MiB`)
    return await readBody(answer, maxBytes)
  } catch (error) {
    if (error instanceof DownloadFailed) throw error
    if (signal.aborted) throw new DownloadFailed(url, `not done within ${timeoutMs / 1000} s`, { cause: error })
    const reason = error instanceof CoracleError && error.cause === undefined ? error.message : undefined
    throw new DownloadFailed(url, reason ?? reasonOf((error as Error).cause ?? error), { cause: error })
  } finally {
    await transport.close()
  }
}

async function follow(transport: Transport, url: URL, signal: AbortSignal): Promise<HttpResponse> {
  let current = url
  for (let hops = 0; ; hops++) {
    refuseUnsafe(url, current)
    const answer = await transport.send({ method: 'GET', url: current, signal, attempts: MAX_ATTEMPTS })
    const location = header(answer, 'location')
    if (!REDIRECTS.has(answer.status) || location === undefined) return refuseOthers(url, answer)
    drain(answer)
    if (hops === MAX_REDIRECTS) throw new DownloadFailed(url, `it is redirected more than ${MAX_REDIRECTS} times`)
    if (!URL.canParse(location, current)) throw new DownloadFailed(url, 'it is redirected to no address')
    current = new URL(location, current)
  }
}

/** A server of the world must not send us to one that only this machine can reach without encryption. */
function refuseUnsafe(asked: URL, current: URL): void {
  const own = (url: URL) => url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  if (current.protocol === 'https:' || (own(asked) && own(current))) return
  const reason =
    asked === current ? 'only https:// will do' : `it is redirected to ${current.protocol}//${current.host}`
  throw new DownloadFailed(asked, reason)
}

function refuseOthers(url: URL, answer: HttpResponse): HttpResponse {
  const type = header(answer, 'content-type') ?? ''
  const isPage = /^\s*(?:text\/html|application\/xhtml)/i.test(type)
  if (answer.status === 200 && !isPage) return answer
  drain(answer)
  throw new DownloadFailed(url, answer.status === 200 ? 'it is a web page' : `the server answered ${answer.status}`)
}
