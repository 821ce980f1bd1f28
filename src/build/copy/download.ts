/** A file behind a URL, for ADD. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CopyFailed } from '../errors.ts'

export interface Downloaded {
  readonly path: string
  /** The last component of the URL's path; empty where it has none. */
  readonly name: string
  readonly digest: string
  readonly sizeBytes: number
  /** By `Last-Modified`; 0 where nothing is said. */
  readonly mtimeSeconds: number
}

export interface DownloadOptions {
  readonly directory: string
  /** `sha256:…` that it must have. */
  readonly checksum: string | undefined
  readonly signal: AbortSignal
}

/** @throws {CopyFailed} nobody answers, the answer is no success, or its digest is another one */
export async function download(url: string, { directory, checksum, signal }: DownloadOptions): Promise<Downloaded> {
  const response = await ask(url, signal)
  const path = join(directory, 'download')
  const hash = createHash('sha256')
  let sizeBytes = 0
  const counted = async function* counted(source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      hash.update(chunk)
      sizeBytes += chunk.byteLength
      yield chunk
    }
  }
  const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body)
  try {
    await pipeline(body, counted, createWriteStream(path, { mode: 0o600 }), { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new CopyFailed(`cannot read ${shown(url)}: ${(error as Error).message}`, { cause: error })
  }
  const digest = `sha256:${hash.digest('hex')}`
  if (checksum !== undefined && checksum !== digest)
    throw new CopyFailed(`digest mismatch sha256 of ${shown(url)}: ${digest} expected: ${checksum}`)
  const modified = Date.parse(response.headers.get('last-modified') ?? '')
  return {
    path,
    name: basename(decodeURIComponent(new URL(url).pathname)).replace(/[\0/]/g, ''),
    digest,
    sizeBytes,
    mtimeSeconds: Number.isNaN(modified) ? 0 : Math.floor(modified / 1000),
  }
}

async function ask(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, { signal, headers: { 'User-Agent': 'coracle' } })
  } catch (error) {
    signal.throwIfAborted()
    const { cause, message } = error as Error
    const reason = cause instanceof Error ? cause.message : message
    throw new CopyFailed(`cannot reach ${shown(url)}: ${reason}`, { cause: error })
  }
  if (response.ok) return response
  await response.body?.cancel()
  throw new CopyFailed(`invalid response status ${response.status} of ${shown(url)}`)
}

/** Without a password. */
function shown(text: string): string {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  return url.href
}
