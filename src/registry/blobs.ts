/** Blob downloads that survive a broken connection (distribution-spec, Pulling blobs; RFC 9110, Range). */
import { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { BlobOptions } from './client.ts'
import { BlobUnknown, RegistryFault, RegistryUnreachable } from './errors.ts'
import { discard, type HttpResponse } from './http.ts'
import { header } from './manifests.ts'
import { refusal } from './refusal.ts'
import type { Session } from './session.ts'

const MAX_BREAKS = 6

/**
 * Exactly `descriptor.size - offset` bytes, or an error; whether they are the right ones the content store finds out, which
 * hashes them as it writes them.
 */
export async function getBlob(
  session: Session,
  descriptor: Descriptor,
  { offset = 0, signal }: BlobOptions = {},
): Promise<Readable> {
  const first = await open(session, descriptor, { offset, signal })
  return Readable.from(bytesOf(session, descriptor, { first, offset, signal }), {
    objectMode: false,
    highWaterMark: 1 << 20,
  })
}

interface Span {
  readonly offset: number
  readonly signal: AbortSignal | undefined
}

/** So much without a break, and the breaks before are forgiven. */
const GOOD_STRETCH_BYTES = 8 << 20

async function* bytesOf(
  session: Session,
  descriptor: Descriptor,
  { first, offset, signal }: Span & { readonly first: HttpResponse },
): AsyncGenerator<Buffer> {
  let answer = first
  let position = offset
  for (let breaks = 0; ; breaks++) {
    const start = position
    try {
      for await (const chunk of checked(answer, descriptor, position)) {
        position += chunk.length
        yield chunk
      }
      return
    } catch (error) {
      if (!isBreak(error, signal)) throw error
      if (position - start > GOOD_STRETCH_BYTES) breaks = 0
      if (breaks === MAX_BREAKS) throw new RegistryUnreachable(answer.url.host, error)
    } finally {
      discard(answer)
    }
    answer = await open(session, descriptor, { offset: position, signal })
  }
}

function isBreak(error: unknown, signal: AbortSignal | undefined): boolean {
  return !(error instanceof RegistryFault) && signal?.aborted !== true
}

/** Neither more nor less than the descriptor says. */
async function* checked(answer: HttpResponse, { digest, size }: Descriptor, from: number): AsyncGenerator<Buffer> {
  let position = from
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    position += chunk.length
    if (position > size)
      throw new RegistryFault(answer.url.host, `sends more than the ${size} bytes of the blob ${digest}`)
    yield chunk
  }
  if (position < size) throw new Error(`the connection ended ${size - position} bytes early`)
}

/** From the registry each time, not from where it last redirected to: such addresses expire. */
async function open(session: Session, { digest, size }: Descriptor, { offset, signal }: Span): Promise<HttpResponse> {
  const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {}
  const answer = await session.sendAnywhere({ method: 'GET', path: `blobs/${digest}`, headers, follow: true, signal })
  if (answer.status === 200) return offset > 0 ? skipTo(answer, offset) : answer
  if (answer.status === 206) {
    const [, from] = /^bytes (\d+)-/.exec(header(answer, 'content-range') ?? '') ?? []
    if (Number(from) === offset) return answer
    discard(answer)
    throw new RegistryFault(answer.url.host, `sent another part of the blob ${digest} than was asked for`)
  }
  // Nothing is left to send: the caller has it all.
  if (answer.status === 416 && offset === size) return { ...answer, body: Readable.from([]) }
  throw await refusal(answer, session.reference, () => new BlobUnknown(digest))
}

/** A server that ignores `Range` sends everything again. */
function skipTo(answer: HttpResponse, offset: number): HttpResponse {
  const rest = async function* () {
    let skipped = 0
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      const behind = Math.min(chunk.length, offset - skipped)
      skipped += behind
      if (behind < chunk.length) yield chunk.subarray(behind)
    }
  }
  return { ...answer, body: Readable.from(rest(), { objectMode: false }) }
}
