import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf, parseDigest } from '../../src/oci/digest.ts'
import { OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import {
  AccessDenied,
  DigestMismatch,
  ManifestUnknown,
  RegistryFault,
  TooManyRequests,
  UnsupportedManifest,
} from '../../src/registry/errors.ts'
import { openRegistryClient } from '../../src/registry/open-client.ts'
import { retryAfterMs } from '../../src/registry/retry.ts'
import { openScriptedRegistry } from '../support/scripted-registry.ts'

const content = randomBytes(300_000)
const blob: Descriptor = { mediaType: OCI_LAYER_GZIP, digest: digestOf(content), size: content.length }
const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: blob, layers: [] }))

async function withRepository(
  host: string,
  use: (repository: ReturnType<ReturnType<typeof openRegistryClient>['repository']>) => Promise<void>,
): Promise<void> {
  const client = openRegistryClient()
  try {
    await use(client.repository(parseReference(`${host}/some/app`), 'pull'))
  } finally {
    await client.close()
  }
}

describe('a pull from a registry on a bad day', () => {
  it('resumes a blob where the connection broke', async () => {
    await using registry = await openScriptedRegistry((request, response, count) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': content.length - from,
        'content-range': `bytes ${from}-${content.length - 1}/${content.length}`,
      })
      if (count < 3)
        response.write(content.subarray(from, from + 100_000), () => setTimeout(() => response.destroy(), 50))
      else response.end(content.subarray(from))
    })
    await withRepository(registry.host, async (repository) => {
      assert.deepEqual(await buffer(await repository.getBlob(blob)), content)
    })
    assert.equal(registry.asked.length, 3)
    assert.match(registry.headers[2]?.range ?? '', /^bytes=\d+-$/)
  })

  it('skips what it has when the server ignores ranges', async () => {
    await using registry = await openScriptedRegistry((_, response) => void response.end(content))
    await withRepository(registry.host, async (repository) => {
      assert.deepEqual(await buffer(await repository.getBlob(blob, { offset: 123_456 })), content.subarray(123_456))
    })
  })

  it('refuses another part than it asked for, and more than the blob has', async () => {
    await using registry = await openScriptedRegistry((request, response) => {
      if (request.headers.range === undefined) return void response.end(Buffer.concat([content, content]))
      response.writeHead(206, { 'content-range': 'bytes 0-5/6' }).end('wrong!')
    })
    await withRepository(registry.host, async (repository) => {
      await assert.rejects(repository.getBlob(blob, { offset: 10 }), RegistryFault)
      await assert.rejects(async () => buffer(await repository.getBlob(blob)), RegistryFault)
    })
  })

  it('waits as long as Retry-After says, and tries again after server errors', async () => {
    await using registry = await openScriptedRegistry((_, response, count) => {
      if (count === 1) return void response.writeHead(429, { 'retry-after': '0' }).end()
      if (count === 2) return void response.writeHead(503).end('<html>busy</html>')
      response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest)
    })
    await withRepository(registry.host, async (repository) => {
      assert.deepEqual(Buffer.from((await repository.getManifest('1')).bytes), manifest)
    })
    assert.equal(registry.asked.length, 3)
  })

  it('reads Retry-After as seconds or as a date', () => {
    assert.equal(retryAfterMs({ headers: { 'retry-after': '7' } }), 7000)
    assert.equal(retryAfterMs({ headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:10 GMT' } }, 4000), 6000)
    assert.equal(retryAfterMs({ headers: { 'retry-after': 'soon' } }), undefined)
  })

  it('does not wait for hours: it says that there is a limit', async () => {
    await using registry = await openScriptedRegistry((_, response) => {
      response
        .writeHead(429, { 'retry-after': '7200' })
        .end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}')
    })
    await withRepository(registry.host, async (repository) => {
      await assert.rejects(
        repository.getManifest('1'),
        (error: Error) => error instanceof TooManyRequests && error.message.includes('slow down'),
      )
    })
  })

  it('refuses a manifest that is not what was asked for', async () => {
    await using registry = await openScriptedRegistry((_, response) => {
      response
        .writeHead(200, { 'content-type': OCI_MANIFEST, 'docker-content-digest': digestOf('other') })
        .end(manifest)
    })
    await withRepository(registry.host, async (repository) => {
      await assert.rejects(repository.getManifest('1'), DigestMismatch)
      await assert.rejects(repository.getManifest(digestOf('something else')), DigestMismatch)
      assert.equal((await repository.getManifest(digestOf(manifest))).descriptor.digest, digestOf(manifest))
    })
  })

  it('verifies sha512 digests as well', async () => {
    const digest = parseDigest(`sha512:${createHash('sha512').update(manifest).digest('hex')}`)
    await using registry = await openScriptedRegistry(
      (_, response) => void response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest),
    )
    await withRepository(registry.host, async (repository) => {
      assert.equal((await repository.getManifest(digest)).descriptor.digest, digest)
    })
  })

  it('refuses manifests of 1 GB, of schema 1, of unknown types, and with two types', async () => {
    const types: Record<string, string> = {
      schema1: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
      unknown: 'application/x-something',
      liar: 'application/vnd.oci.image.index.v1+json',
      huge: OCI_MANIFEST,
    }
    await using registry = await openScriptedRegistry((request, response) => {
      const tag = request.url?.split('/').at(-1) ?? ''
      response.writeHead(200, { 'content-type': types[tag] })
      if (tag !== 'huge')
        return void response.end(
          tag === 'unknown'
            ? '{"schemaVersion":2}'
            : manifest.toString().replace('"mediaType"', tag === 'liar' ? '"mediaType"' : '"x"'),
        )
      response.on('error', () => {}).end(Buffer.alloc(6 << 20, 0x20))
    })
    await withRepository(registry.host, async (repository) => {
      await assert.rejects(
        repository.getManifest('schema1'),
        (error: Error) => error instanceof UnsupportedManifest && /schema 1/.test(error.message),
      )
      await assert.rejects(repository.getManifest('unknown'), UnsupportedManifest)
      await assert.rejects(repository.getManifest('liar'), RegistryFault)
      await assert.rejects(repository.getManifest('huge'), RegistryFault)
    })
  })

  it('asks again with GET where HEAD says too little', async () => {
    await using registry = await openScriptedRegistry((request, response) => {
      response.writeHead(200, { 'content-type': OCI_MANIFEST })
      response.end(request.method === 'HEAD' ? '' : manifest)
    })
    await withRepository(registry.host, async (repository) => {
      assert.equal((await repository.resolve('1')).digest, digestOf(manifest))
    })
  })

  it('tells an unknown tag from a repository that needs a login', async () => {
    await using registry = await openScriptedRegistry((request, response) => {
      const code = request.url?.includes('missing') ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN'
      response.writeHead(404).end(`{"errors":[{"code":"${code}","message":"${code}"}]}`)
    })
    await withRepository(registry.host, async (repository) => {
      await assert.rejects(repository.getManifest('missing'), ManifestUnknown)
      await assert.rejects(
        repository.getManifest('other'),
        (error: Error) => error instanceof AccessDenied && error.message.includes('coracle login 127.0.0.1'),
      )
    })
  })

  it('keeps control characters and pages of HTML out of its errors', async () => {
    await using registry = await openScriptedRegistry(
      (_, response) => void response.writeHead(418).end('{"errors":[{"code":"X","message":"a\\u001b[31mb"}]}'),
    )
    await withRepository(registry.host, async (repository) => {
      await assert.rejects(
        repository.getManifest('1'),
        (error: Error) => !error.message.includes('\u001b') && error.message.includes('418'),
      )
    })
  })
})

describe('credentials under way', () => {
  it('do not follow a redirect to another host', async () => {
    await using storage = await openScriptedRegistry((_, response) => void response.end(content))
    await using registry = await openScriptedRegistry((request, response) => {
      if (request.url?.startsWith('/token')) return void response.end('{"token":"secret-token"}')
      if (request.headers.authorization === undefined)
        return void response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="s"` })
          .end()
      response.writeHead(307, { location: `http://${storage.host}/blob` }).end()
    })
    await withRepository(registry.host, async (repository) => {
      assert.deepEqual(await buffer(await repository.getBlob(blob)), content)
    })
    assert.equal(registry.headers.at(-1)?.authorization, 'Bearer secret-token')
    assert.equal(storage.headers[0]?.authorization, undefined)
  })

  it('do not follow an upload to another host', async () => {
    await using storage = await openScriptedRegistry((request, response) => {
      request.once('end', () => void response.writeHead(201).end())
    })
    await using registry = await openScriptedRegistry((request, response) => {
      if (request.url?.startsWith('/token')) return void response.end('{"token":"secret-token"}')
      if (request.headers.authorization === undefined)
        return void response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` })
          .end()
      const status = request.method === 'POST' ? 202 : 404
      response.writeHead(status, { location: `http://${storage.host}/up` }).end()
    })
    await withRepository(registry.host, async (repository) => {
      assert.equal(await repository.pushBlob(blob, async () => Readable.from([content])), 'uploaded')
    })
    assert.equal(registry.headers.at(-1)?.authorization, 'Bearer secret-token')
    assert.deepEqual(storage.asked, [`PUT /up?digest=${encodeURIComponent(blob.digest)}`])
    assert.equal(storage.headers[0]?.authorization, undefined)
  })

  it('are not sent to a realm without encryption on another host', async () => {
    await using registry = await openScriptedRegistry(
      (_, response) =>
        void response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://auth.example/token"' }).end(),
    )
    await withRepository(registry.host, async (repository) => {
      await assert.rejects(repository.getManifest('1'), /not encrypted/)
    })
  })

  it('are asked for with every scope that will be needed', async () => {
    await using registry = await openScriptedRegistry((request, response) => {
      if (request.url?.startsWith('/token')) return void response.end('{"access_token":"t","expires_in":300}')
      if (request.headers.authorization === undefined)
        return void response
          .writeHead(401, {
            'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="s",scope="repository:some/app:pull"`,
          })
          .end()
      response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest)
    })
    await withRepository(registry.host, async (repository) => {
      await repository.getManifest('1')
      await repository.getManifest('1')
    })
    const tokens = registry.asked.filter((line) => line.includes('/token'))
    assert.deepEqual(tokens, ['GET /token?service=s&scope=repository%3Asome%2Fapp%3Apull'])
  })
})

describe('tags', () => {
  it('are followed page by page, on the same host only', async () => {
    await using registry = await openScriptedRegistry((request, response) => {
      if (request.url?.includes('last=b'))
        return void response
          .writeHead(200, { link: '<http://evil.example/v2/x>; rel="next"' })
          .end('{"tags":["c","not a tag"]}')
      response.writeHead(200, { link: '</v2/some/app/tags/list?n=2&last=b>; rel="next"' }).end('{"tags":["a","b"]}')
    })
    await withRepository(registry.host, async (repository) => {
      assert.deepEqual(await Array.fromAsync(repository.tags({ pageSize: 2 })), ['a', 'b', 'c'])
    })
  })
})
