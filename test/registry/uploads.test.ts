import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_LAYER_GZIP } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { PushBlobOptions } from '../../src/registry/client.ts'
import type { Endpoint } from '../../src/registry/endpoints.ts'
import { RegistryFault } from '../../src/registry/errors.ts'
import { openRegistryClient } from '../../src/registry/open-client.ts'
import type { Session } from '../../src/registry/session.ts'
import { locationOf } from '../../src/registry/transfer.ts'
import { openScriptedRegistry } from '../support/scripted-registry.ts'
import { startSecuredRegistry } from '../support/secured-registry.ts'

const content = randomBytes(4 << 20)
const blob: Descriptor = { mediaType: OCI_LAYER_GZIP, digest: digestOf(content), size: content.length }

async function push(host: string, options: PushBlobOptions = {}): Promise<string> {
  const client = openRegistryClient()
  const repository = client.repository(parseReference(`${host}/some/app`), 'push')
  const open = async (offset: number) => Readable.from(pieces(content.subarray(offset)))
  try {
    return await repository.pushBlob(blob, open, options)
  } finally {
    await client.close()
  }
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

async function pull(host: string): Promise<Buffer> {
  const client = openRegistryClient()
  try {
    return await buffer(await client.repository(parseReference(`${host}/some/app`), 'pull').getBlob(blob))
  } finally {
    await client.close()
  }
}

/** Passes everything on to a registry, but for what `interfere` does with it. */
async function openUnreliableWay(
  target: string,
  interfere: (asked: IncomingMessage, answer: ServerResponse) => number | undefined,
): Promise<AsyncDisposable & { readonly host: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((incoming, outgoing) => {
    asked.push(incoming.method ?? '')
    const breakAfter = interfere(incoming, outgoing)
    if (outgoing.writableEnded) return void incoming.resume()
    const onward = request(`http://${target}${incoming.url}`, { method: incoming.method, headers: incoming.headers })
    onward.on('error', () => outgoing.destroy())
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    let passed = 0
    incoming.on('data', (chunk: Buffer) => {
      passed += chunk.length
      onward.write(chunk)
      if (breakAfter !== undefined && passed >= breakAfter) {
        incoming.destroy()
        onward.destroy()
      }
    })
    incoming.on('end', () => onward.end())
    incoming.on('error', () => onward.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return {
    host: `127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('locationOf', () => {
  const origin = { host: 'registry.example' } as Endpoint
  const locate = (location: string | undefined, from: string) =>
    locationOf({ origin } as Session, {
      status: 202,
      headers: { location },
      url: new URL(from),
      body: Readable.from([]),
    }).href

  it('takes absolute and relative addresses with their query', () => {
    const from = 'https://registry.example:5000/v2/a/blobs/uploads/'
    assert.equal(locate('/v2/up?_state=x', from), 'https://registry.example:5000/v2/up?_state=x')
    assert.equal(locate('https://storage.example/up?a=b', from), 'https://storage.example/up?a=b')
  })

  it('stays with TLS where a registry behind a proxy takes itself for plain http', () => {
    assert.equal(locate('http://registry.example/up', 'https://registry.example/x'), 'https://registry.example/up')
    assert.equal(
      locate('http://registry.example/up', 'https://registry.example:5000/x'),
      'https://registry.example:5000/up',
    )
  })

  it('refuses what is no address', () => {
    for (const location of [undefined, '', 'file:///etc/passwd', 'http://'])
      assert.throws(() => locate(location, 'https://registry.example/'), RegistryFault)
  })
})

describe('an upload', () => {
  for (const [how, options] of [
    ['in one piece', {}],
    ['in chunks', { chunkBytes: 1 << 20 }],
  ] as const) {
    it(`${how} that breaks off twice arrives whole all the same`, async () => {
      let breaks = 2
      await using registry = await startSecuredRegistry({})
      await using way = await openUnreliableWay(registry.host, ({ method }) => {
        const sends = method === 'PUT' || method === 'PATCH'
        return sends && breaks-- > 0 ? 700_000 : undefined
      })
      assert.equal(await push(way.host, options), 'uploaded')
      assert(content.equals(await pull(registry.host)))
      assert(breaks < 0)
    })
  }

  it('goes on where the registry says that it got to', async () => {
    const parts: Buffer[] = []
    let broken = false
    await using registry = await openScriptedRegistry((asked, answer) => {
      const { method = '', url = '' } = asked
      const respond = (status: number, headers = {}) =>
        void answer.writeHead(status, { location: '/up?s=1', ...headers }).end()
      if (method === 'HEAD') return respond(404)
      if (method === 'POST') return respond(202)
      if (method === 'GET') return respond(204, { range: '0-1048575' })
      if (method === 'PUT' && !broken) {
        broken = true
        return void asked.once('data', () => asked.destroy())
      }
      asked.on('data', (chunk: Buffer) => parts.push(chunk))
      asked.once('end', () =>
        respond(method === 'PATCH' ? 202 : url.includes('digest=') && url.includes('s=1') ? 201 : 400),
      )
    })
    assert.equal(await push(registry.host), 'uploaded')
    assert(Buffer.concat(parts).equals(content.subarray(1 << 20)))
    const patch = registry.asked.findIndex((line) => line.startsWith('PATCH'))
    assert.equal(registry.headers[patch]?.['content-range'], `1048576-${content.length - 1}`)
  })

  it('makes its chunks as long as the registry wants them', async () => {
    await using registry = await openScriptedRegistry((asked, answer) => {
      const headers = { location: '/up', 'oci-chunk-min-length': String(3 << 20) }
      const status = { HEAD: 404, POST: 202, PATCH: 202, PUT: 201 }[asked.method ?? ''] ?? 400
      asked.once('end', () => void answer.writeHead(status, headers).end())
    })
    await push(registry.host, { chunkBytes: 1000 })
    const ranges = registry.headers.map((headers) => headers['content-range']).filter((range) => range !== undefined)
    assert.deepEqual(ranges, [`0-${(3 << 20) - 1}`, `${3 << 20}-${content.length - 1}`])
  })

  it('is sent when no repository has the blob to mount', async () => {
    await using registry = await startSecuredRegistry({})
    assert.equal(await push(registry.host, { mountFrom: ['not/there', 'nor/here'] }), 'uploaded')
    assert(content.equals(await pull(registry.host)))
  })

  it('waits and tries again when the registry is busy', async () => {
    let busy = 2
    await using registry = await startSecuredRegistry({})
    await using way = await openUnreliableWay(registry.host, ({ method }, answer) => {
      if (method === 'PUT' && busy-- > 0) answer.writeHead(429, { 'retry-after': '0' }).end()
      return undefined
    })
    assert.equal(await push(way.host), 'uploaded')
    assert(content.equals(await pull(registry.host)))
  })

  it('is given up when it breaks again and again, and at once when the registry refuses it', async () => {
    await using registry = await openScriptedRegistry((asked, answer) => {
      const status = { HEAD: 404, POST: 202, PUT: 503 }[asked.method ?? ''] ?? 404
      asked.once('end', () => void answer.writeHead(status, { location: '/up', 'retry-after': '0' }).end())
    })
    await assert.rejects(push(registry.host), /answered 503/)
    assert(registry.asked.filter((line) => line.startsWith('PUT')).length > 3)
    await using strict = await openScriptedRegistry((asked, answer) => {
      const status = { HEAD: 404, POST: 202, PUT: 413 }[asked.method ?? ''] ?? 404
      asked.once('end', () => void answer.writeHead(status, { location: '/up' }).end())
    })
    await assert.rejects(push(strict.host), RegistryFault)
    assert.equal(strict.asked.filter((line) => line.startsWith('PUT')).length, 1)
  })

  it('tells of its progress, and stops when it is called off', async () => {
    await using registry = await startSecuredRegistry({})
    const aborter = new AbortController()
    const seen: number[] = []
    const options = {
      signal: aborter.signal,
      onProgress: (sent: number) => {
        seen.push(sent)
        if (sent > 1 << 20) aborter.abort()
      },
    }
    await assert.rejects(push(registry.host, options), { name: 'AbortError' })
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    )
    assert.equal(await push(registry.host), 'uploaded')
  })
})
