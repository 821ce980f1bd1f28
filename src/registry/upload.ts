/** Blob uploads: skipped, mounted, or sent (distribution-spec, Pushing blobs). */
import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { PushBlobOptions, PushOutcome } from './client.ts'
import { drain, type HttpResponse } from './http.ts'
import { header } from './manifests.ts'
import { refusal } from './refusal.ts'
import type { Session } from './session.ts'
import { locationOf, type Place, transfer, type Upload } from './transfer.ts'

export async function pushBlob(
  session: Session,
  descriptor: Descriptor,
  upload: { readonly open: (offset: number) => Promise<Readable>; readonly options: PushBlobOptions },
): Promise<PushOutcome> {
  const { signal, mountFrom = [] } = upload.options
  const present = await session.send({ method: 'HEAD', path: `blobs/${descriptor.digest}`, follow: true, signal })
  drain(present)
  if (present.status === 200) return 'exists'
  let begun: HttpResponse | undefined
  for (const source of mountFrom) {
    begun = await mount(session, descriptor, { source, signal })
    if (begun.status === 201) {
      drain(begun)
      return 'mounted'
    }
    if (begun.status === 202) break // a registry that cannot has begun an ordinary upload instead
    drain(begun)
    begun = undefined
  }
  await transfer(session, await prepare(session, begun, { ...upload, descriptor }))
  return 'uploaded'
}

function mount(
  session: Session,
  { digest }: Descriptor,
  { source, signal }: { readonly source: string; readonly signal: AbortSignal | undefined },
): Promise<HttpResponse> {
  const query = `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(source)}`
  return session.send({
    method: 'POST',
    path: `blobs/uploads/${query}`,
    headers: { 'content-length': '0' },
    scopes: [`repository:${source}:pull`],
    signal,
  })
}

/** An upload that is begun already, if a mount came to nothing, and whose chunks are as long as the registry wants them. */
async function prepare(
  session: Session,
  begun: HttpResponse | undefined,
  upload: Omit<Upload, 'begin'>,
): Promise<Upload> {
  const first = begun ?? (await begin(session, upload.options))
  let ready: Place | undefined = placeOf(session, first)
  const shortest = Number(header(first, 'oci-chunk-min-length') ?? 0)
  const { chunkBytes } = upload.options
  const options =
    chunkBytes !== undefined && chunkBytes < shortest ? { ...upload.options, chunkBytes: shortest } : upload.options
  return {
    ...upload,
    options,
    begin: async () => {
      const place = ready ?? placeOf(session, await begin(session, options))
      ready = undefined
      return place
    },
  }
}

function placeOf(session: Session, answer: HttpResponse): Place {
  return { at: locationOf(session, answer), sentBytes: 0 }
}

async function begin(session: Session, { signal }: PushBlobOptions): Promise<HttpResponse> {
  const headers = { 'content-length': '0' }
  const answer = await session.send({ method: 'POST', path: 'blobs/uploads/', headers, signal })
  if (answer.status !== 202) throw await refusal(answer, session.reference)
  return answer
}
