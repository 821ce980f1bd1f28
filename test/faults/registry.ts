/** A registry that serves one image to `pull`, from memory, on loopback. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { busyboxEntries, file, makeImage } from '../support/images.ts'

export interface SmallRegistry {
  /** What to pull. */
  readonly reference: string
  close(): Promise<void>
}

/** Three layers, large enough for a fault to hit in the middle. */
export async function serveImage(): Promise<SmallRegistry> {
  const image = makeImage({
    layers: [
      busyboxEntries(),
      [file('large', randomBytes(3_000_000))],
      [file('words', 'some words, '.repeat(100_000))],
    ],
    config: { Cmd: ['sleep', '1000'] },
  })
  const content = new Map(image.blobs.map(({ descriptor, bytes }) => [`/v2/faults/blobs/${descriptor.digest}`, bytes]))
  const { mediaType, digest } = image.descriptor
  const server = createServer(({ url = '' }, answer) => {
    const blob = content.get(url)
    if (blob !== undefined) return answer.writeHead(200, { 'content-length': blob.length }).end(blob)
    if (url === '/v2/') return answer.writeHead(200).end()
    if (url !== '/v2/faults/manifests/1' && url !== `/v2/faults/manifests/${digest}`) return answer.writeHead(404).end()
    const headers = { 'content-type': mediaType, 'docker-content-digest': digest, 'content-length': image.bytes.length }
    return answer.writeHead(200, headers).end(image.bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    reference: `127.0.0.1:${(server.address() as AddressInfo).port}/faults:1`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
