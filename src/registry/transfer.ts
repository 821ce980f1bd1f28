/** Sends the bytes of a blob, and goes on where the registry got to after a break (distribution-spec, Pushing blobs). */
import { type Readable, Transform } from 'node:stream'
import { CoracleError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { PushBlobOptions } from './client.ts'
import { RegistryFault, RegistryUnreachable } from './errors.ts'
import { drain, type HttpResponse } from './http.ts'
import { header } from './manifests.ts'
import { refusal } from './refusal.ts'
import { asksForTooLong, isBusy, pause } from './retry.ts'
import type { Session } from './session.ts'

/** Where the bytes go next. */
export interface Place {
  readonly at: URL
  /** What the registry has so far. */
  readonly sentBytes: number
}

export interface Upload {
  readonly descriptor: Descriptor
  readonly open: (offset: number) => Promise<Readable>
  readonly options: PushBlobOptions
  /** Begins again from nothing. */
  readonly begin: () => Promise<Place>
}

const MAX_BREAKS = 5

/** Whole by default; in chunks when that is asked for, and what is left after a break. */
export async function transfer(session: Session, upload: Upload): Promise<void> {
  let place = await upload.begin()
  for (let breaks = 0; ; ) {
    const step = nextStep(place, upload)
    const outcome = await send(session, upload, { ...step, at: place.at }).catch((error: unknown) => ({ error }))
    upload.options.signal?.throwIfAborted()
    if ('status' in outcome && step.accepted.includes(outcome.status)) {
      if (step.last) return drain(outcome)
      place = { at: locationOf(session, outcome), sentBytes: step.end }
      continue
    }
    if (++breaks > MAX_BREAKS || !mayGoOn(outcome, breaks)) throw await failure(session, outcome)
    place = await placeAfter(session, upload, { place, outcome, breaks })
  }
}

async function placeAfter(
  session: Session,
  upload: Upload,
  { place, outcome, breaks }: { readonly place: Place; readonly outcome: Outcome; readonly breaks: number },
): Promise<Place> {
  const answer = 'status' in outcome ? outcome : undefined
  await pause(breaks, { signal: upload.options.signal, answer })
  drain(answer)
  return (await progress(session, place, upload)) ?? upload.begin()
}

interface Step {
  readonly method: 'PUT' | 'PATCH'
  readonly from: number
  readonly end: number
  /** With it the blob is complete. */
  readonly last: boolean
  readonly accepted: readonly number[]
}

function nextStep({ sentBytes }: Place, { descriptor: { size }, options }: Upload): Step {
  const whole = sentBytes === 0 && options.chunkBytes === undefined
  if (whole || sentBytes === size)
    return { method: 'PUT', from: sentBytes, end: size, last: true, accepted: [201, 204] }
  const end = Math.min(sentBytes + (options.chunkBytes ?? size), size)
  return { method: 'PATCH', from: sentBytes, end, last: false, accepted: [202, 204] }
}

function send(session: Session, { descriptor, open, options }: Upload, step: Step & { readonly at: URL }) {
  const { from, end, at, method, last } = step
  const empty = from === end
  const headers = {
    'content-length': String(end - from),
    ...(!empty && { 'content-type': 'application/octet-stream' }),
    ...(method === 'PATCH' && { 'content-range': `${from}-${end - 1}` }),
  }
  const body = async () => counted(await open(from), { from, end, onProgress: options.onProgress })
  return session.send({
    method,
    path: last ? withDigest(at, descriptor) : at,
    headers,
    signal: options.signal,
    attempts: 1, // a registry that has half of it refuses the same again
    ...(!empty && { body }),
  })
}

type Outcome = HttpResponse | { readonly error: unknown }

/** After a break registries answer in many ways that the old address is no longer good. */
function mayGoOn(outcome: Outcome, breaks: number): boolean {
  if ('error' in outcome) return outcome.error instanceof RegistryUnreachable
  if (isBusy(outcome.status)) return !asksForTooLong(outcome)
  return [404, 416].includes(outcome.status) || (outcome.status === 400 && breaks > 1)
}

async function failure(session: Session, outcome: Outcome): Promise<unknown> {
  return 'error' in outcome ? outcome.error : refusal(outcome, session.reference)
}

/** Asks how far the registry got. @returns undefined when it does not know any more */
async function progress(session: Session, { at }: Place, { descriptor, options }: Upload): Promise<Place | undefined> {
  const { signal } = options
  const answer = await session.send({ method: 'GET', path: at, signal, attempts: 2 }).catch((error: unknown) => {
    if (error instanceof CoracleError) return undefined
    throw error
  })
  signal?.throwIfAborted()
  drain(answer)
  if (answer?.status !== 204) return undefined
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(header(answer, 'range') ?? '') ?? []
  const sentBytes = Number(last ?? -1) + 1
  // `0-0` is what some say when they have nothing: one byte is never worth the doubt.
  if (sentBytes <= 1 || sentBytes > descriptor.size) return undefined
  return { at: header(answer, 'location') === undefined ? at : locationOf(session, answer), sentBytes }
}

/** Absolute or relative, its query kept (distribution-spec, Pushing a blob monolithically). */
export function locationOf({ origin }: Session, answer: HttpResponse): URL {
  drain(answer)
  const location = header(answer, 'location') ?? ''
  const url = location !== '' && URL.canParse(location, answer.url) ? new URL(location, answer.url) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new RegistryFault(origin.host, 'does not say where to upload to')
  // Behind a proxy that ends TLS, many registries take themselves for plain http.
  if (url.hostname === answer.url.hostname && answer.url.protocol === 'https:' && url.protocol === 'http:') {
    url.protocol = 'https:'
    url.port ||= answer.url.port
  }
  return url
}

function withDigest(location: URL, { digest }: Descriptor): URL {
  const url = new URL(location)
  url.searchParams.set('digest', digest)
  return url
}

interface Part {
  readonly from: number
  readonly end: number
  readonly onProgress: ((sentBytes: number) => void) | undefined
}

/** The bytes from `from` to `end` of a source that starts at `from`. */
function counted(source: Readable, { from, end, onProgress }: Part): Readable {
  let position = from
  const part = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const wanted = chunk.subarray(0, end - position)
      position += wanted.length
      if (wanted.length > 0) this.push(wanted)
      onProgress?.(position)
      if (position === end) this.push(null)
      done()
    },
  })
  source.once('error', (error) => part.destroy(error))
  part.once('close', () => source.destroy())
  return source.pipe(part)
}
