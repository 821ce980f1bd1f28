/** Blob uploads: skipped, mounted, whole, or in chunks (distribution-spec, Pushing blobs). */
import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { PushBlobOptions, PushOutcome } from './client.ts'
import { RegistryFault, RegistryUnreachable } from './errors.ts'
import { header } from './manifests.ts'
import { refusal } from './refusal.ts'
import type { Session } from './session.ts'
import { drain, type HttpResponse } from './transport.ts'

type Open = (offset: number) => Promise<Readable>

export async function pushBlob(
  session: Session,
  descriptor: Descriptor,
  upload: { readonly open: Open; readonly options: PushBlobOptions },
): Promise<PushOutcome> {
  const { open, options } = upload
  const { signal, mountFrom = [] } = options
  const present = await session.send({ method: 'HEAD', path: `blobs/${descriptor.digest}`, follow: true, signal })
  drain(present)
  if (present.status === 200) return 'exists'
  const [source] = mountFrom
  const started =
    source === undefined ? await start(session, '', options) : await mount(session, descriptor, { source, options })
  if (started === 'mounted') return 'mounted'
  const location = locationOf(session, started)
  if (options.chunkBytes === undefined) await putWhole(session, descriptor, { location, open, options })
  else await putChunks(session, descriptor, { location, open, options })
  return 'uploaded'
}

async function mount(
  session: Session,
  { digest }: Descriptor,
  { source, options }: { source: string; options: PushBlobOptions },
): Promise<HttpResponse | 'mounted'> {
  const query = `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(source)}`
  const answer = await start(session, query, options, [`repository:${source}:pull`])
  if (answer.status !== 201) return answer
  drain(answer)
  return 'mounted'
}

async function start(
  session: Session,
  query: string,
  { signal }: PushBlobOptions,
  scopes: readonly string[] = [],
): Promise<HttpResponse> {
  const headers = { 'content-length': '0' }
  const answer = await session.send({ method: 'POST', path: `blobs/uploads/${query}`, headers, scopes, signal })
  if (answer.status !== 202 && !(answer.status === 201 && query !== '')) throw await refusal(answer, session.reference)
  return answer
}

/** Absolute or relative, its query kept. Uploads stay where they were begun, so that the token does. */
function locationOf({ origin }: Session, answer: HttpResponse): URL {
  drain(answer)
  const location = header(answer, 'location') ?? ''
  if (location === '' || !URL.canParse(location, answer.url))
    throw new RegistryFault(origin.host, 'does not say where to upload to')
  const url = new URL(location, answer.url)
  if (!/^https?:$/.test(url.protocol)) throw new RegistryFault(origin.host, 'does not say where to upload to')
  return url
}

interface Upload {
  readonly location: URL
  readonly open: Open
  readonly options: PushBlobOptions
}

async function putWhole(session: Session, descriptor: Descriptor, { location, open, options }: Upload): Promise<void> {
  const url = withDigest(location, descriptor)
  const body = async () => counted(await open(0), 0, options)
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(descriptor.size) }
  const answer = await session.send({ method: 'PUT', path: url, headers, body, signal: options.signal })
  if (answer.status !== 201 && answer.status !== 204) throw await refusal(answer, session.reference)
  drain(answer)
}

/** After a break the registry is asked how far it got. */
async function putChunks(session: Session, descriptor: Descriptor, { location, open, options }: Upload): Promise<void> {
  const { chunkBytes = descriptor.size, signal } = options
  let at = location
  let sent = 0
  for (let breaks = 0; sent < descriptor.size; ) {
    const end = Math.min(sent + chunkBytes, descriptor.size)
    const from = sent
    const headers = {
      'content-type': 'application/octet-stream',
      'content-range': `${from}-${end - 1}`,
      'content-length': String(end - from),
    }
    const body = async () => counted(limited(await open(from), end - from), from, options)
    const answer = await session
      .send({ method: 'PATCH', path: at, headers, body, signal })
      .catch((error: unknown) => error)
    if (isAccepted(answer)) {
      at = locationOf(session, answer)
      sent = end
      continue
    }
    if (++breaks > MAX_BREAKS)
      throw answer instanceof Error ? answer : await refusal(answer as HttpResponse, session.reference)
    if (answer instanceof Error && !(answer instanceof RegistryUnreachable)) throw answer
    ;({ at, sent } = await progress(session, at, signal))
  }
  const headers = { 'content-length': '0' }
  const answer = await session.send({ method: 'PUT', path: withDigest(at, descriptor), headers, signal })
  if (answer.status !== 201 && answer.status !== 204) throw await refusal(answer, session.reference)
  drain(answer)
}

const MAX_BREAKS = 3

function isAccepted(answer: unknown): answer is HttpResponse {
  return !(answer instanceof Error) && [202, 204].includes((answer as HttpResponse).status)
}

async function progress(
  session: Session,
  location: URL,
  signal: AbortSignal | undefined,
): Promise<{ at: URL; sent: number }> {
  const answer = await session.send({ method: 'GET', path: location, signal })
  if (answer.status !== 204) throw await refusal(answer, session.reference)
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(header(answer, 'range') ?? '') ?? []
  return {
    at: header(answer, 'location') === undefined ? location : locationOf(session, answer),
    sent: last === undefined ? 0 : Number(last) + 1,
  }
}

function withDigest(location: URL, { digest }: Descriptor): URL {
  const url = new URL(location)
  url.searchParams.set('digest', digest)
  return url
}

function counted(source: Readable, from: number, { onProgress }: PushBlobOptions): Readable {
  let sent = from
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length
      onProgress?.(sent)
      done(null, chunk)
    },
  })
  source.once('error', (error) => count.destroy(error))
  count.once('close', () => source.destroy())
  return source.pipe(count)
}

function limited(source: Readable, sizeBytes: number): Readable {
  let left = sizeBytes
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const part = chunk.subarray(0, left)
      left -= part.length
      this.push(part)
      if (left === 0) this.push(null)
      done()
    },
  })
  source.once('error', (error) => limit.destroy(error))
  limit.once('end', () => source.destroy())
  return source.pipe(limit)
}
