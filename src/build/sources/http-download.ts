/** The bytes behind a URL, on their way to the disk. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { translateFull } from '../../images/blobs.ts'
import { RegistryFault, RegistryUnreachable, reasonOf } from '../../registry/errors.ts'
import { discard, type HttpResponse } from '../../registry/http.ts'
import { header } from '../../registry/manifests.ts'
import { openTransport } from '../../registry/transport.ts'
import { SourceFailed } from '../errors.ts'
import { shownUrl } from './shown.ts'
import { sourceLimit, tooLarge } from './size-limit.ts'

export interface Asking {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** A file that is not there yet. */
  readonly path: string
  /** Whether this answer (200 or 304) says that what is known still holds. */
  readonly isSame: (answer: HttpResponse) => boolean
  /** How long the body may be, in bytes, by how it begins. @throws {SourceFailed} it is of no use */
  readonly limit?: ((head: Buffer) => number | undefined) | undefined
  /** How long a server may say nothing, in milliseconds. */
  readonly stallMs?: number | undefined
  readonly onStatus: (text: string) => void
  readonly signal: AbortSignal
}

export interface Fetched {
  /** 64 hexadecimal digits. */
  readonly digest: string
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** When the server answered, by its own clock. */
  readonly date: string | undefined
}

const STALL_MS = 60_000
const HEAD_BYTES = 512
const ATTEMPTS = 3

/**
 * Redirects are followed to other http(s) addresses; what logs in stays behind when the host changes.
 *
 * @returns undefined: what is known still holds
 * @throws {SourceFailed} no answer, none of success, too long a one, or a connection that says nothing any more
 */
export async function fetchFile(asking: Asking): Promise<Fetched | undefined> {
  const { url, stallMs = STALL_MS, signal } = asking
  const transport = openTransport()
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(new Error(`nothing has come for ${stallMs / 1000} s`)), stallMs)
  const both = AbortSignal.any([signal, stalled.signal])
  try {
    const headers = { ...asking.headers, 'accept-encoding': 'identity' }
    const answer = await transport.send({ method: 'GET', url, headers, follow: true, attempts: ATTEMPTS, signal: both })
    if (asking.isSame(answer)) {
      discard(answer)
      return undefined
    }
    if (answer.status < 200 || answer.status > 299) {
      discard(answer)
      throw new SourceFailed(`invalid response status ${answer.status} of ${shownUrl(url)}`)
    }
    const digest = await save(answer, { ...asking, signal: both, onChunk: () => timer.refresh() })
    const [etag, lastModified, date] = ['etag', 'last-modified', 'date'].map((name) => header(answer, name))
    return { digest, etag, lastModified, date }
  } catch (error) {
    signal.throwIfAborted()
    throw worded(url, stalled.signal.aborted ? stalled.signal.reason : error)
  } finally {
    clearTimeout(timer)
    await transport.close()
  }
}

function worded(url: URL, error: unknown): unknown {
  if (error instanceof RegistryFault)
    return new SourceFailed(`cannot reach ${shownUrl(url)}: ${error.message}`, { cause: error })
  if (error instanceof RegistryUnreachable)
    return new SourceFailed(`cannot reach ${shownUrl(url)}: ${reasonOf(error.cause)}`, {
      cause: error,
      hint: error.hint,
    })
  const { code } = error as { readonly code?: unknown }
  // Ours, or the disk's.
  if (error instanceof SourceFailed || (typeof code === 'string' && /^(?:DISK_|E(?!CONN|PIPE|TIMED))/.test(code)))
    return error
  return new SourceFailed(`cannot read ${shownUrl(url)}: ${reasonOf(error)}`, { cause: error })
}

async function save({ body }: HttpResponse, asking: Asking & { readonly onChunk: () => void }): Promise<string> {
  const { path, signal, onChunk } = asking
  const hash = createHash('sha256')
  const meter = measuring(asking)
  const looked = async function* looked(source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      onChunk()
      hash.update(chunk)
      meter.add(chunk)
      yield chunk
    }
    meter.end()
  }
  try {
    await pipeline(body, looked, createWriteStream(path, { mode: 0o600, flags: 'wx' }), { signal })
  } catch (error) {
    throw translateFull(error, path, meter.sizeBytes())
  }
  return hash.digest('hex')
}

/** Counts, asks how much may come once it is known what does, and tells of it. */
function measuring({ url, limit = () => undefined, onStatus }: Asking) {
  let head: Buffer | undefined = Buffer.alloc(0)
  const most = sourceLimit()
  let [sizeBytes, maxBytes, told] = [0, most, 0]
  const look = () => {
    if (head !== undefined) maxBytes = Math.min(limit(head) ?? most, most)
    head = undefined
    if (sizeBytes <= maxBytes) return
    if (maxBytes === most) throw tooLarge(shownUrl(url), most)
    throw new SourceFailed(`${shownUrl(url)} is larger than ${maxBytes / 2 ** 20} MiB`)
  }
  const add = (chunk: Buffer) => {
    sizeBytes += chunk.length
    if (head !== undefined) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES)])
    if (head === undefined || head.length >= HEAD_BYTES) look()
    if (sizeBytes - told < 1 << 20) return
    told = sizeBytes
    onStatus(`${Math.floor(sizeBytes / 1e6)} MB`)
  }
  return { add, end: look, sizeBytes: () => sizeBytes }
}
