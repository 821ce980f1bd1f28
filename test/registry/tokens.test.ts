import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, it } from 'mocha'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { parseChallenges } from '../../src/registry/challenge.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import { type Credentials, storeCredentials } from '../../src/registry/credentials.ts'
import { LoginFailed } from '../../src/registry/errors.ts'
import { openRegistryClient } from '../../src/registry/open-client.ts'
import { authorize } from '../../src/registry/tokens.ts'
import { openTransport } from '../../src/registry/transport.ts'
import { setEnvironment } from '../support/environment.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { openScriptedRegistry } from '../support/scripted-registry.ts'

const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, layers: [] }))

/** A registry that takes the tokens its own server gives, which are `token-1`, `token-2`, … */
async function openTokenRegistry(
  options: {
    readonly onToken?: (request: IncomingMessage, body: string) => { status?: number; answer: object } | undefined
    /** Is this token still good? */
    readonly accepts?: (token: string) => boolean
    readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => boolean
  } = {},
) {
  let given = 0
  return openScriptedRegistry(async (request, response) => {
    const { headers, url = '' } = request
    if (url.startsWith('/token')) {
      const body = await text(request)
      const { status = 200, answer } = options.onToken?.(request, body) ?? { answer: { token: `token-${++given}` } }
      return void response.writeHead(status).end(JSON.stringify(answer))
    }
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    if (token === undefined || options.accepts?.(token) === false) {
      const challenge = `Bearer realm="http://${headers.host}/token",service="reg",scope="repository:some/app:pull"`
      return void response.writeHead(401, { 'www-authenticate': challenge }).end()
    }
    if (options.onRequest?.(request, response) === true) return
    response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest)
  })
}

async function withClient(use: (client: RegistryClient) => Promise<void>): Promise<void> {
  const client = openRegistryClient()
  try {
    await use(client)
  } finally {
    await client.close()
  }
}

describe('tokens', () => {
  beforeEach(async () => {
    setEnvironment({ DOCKER_CONFIG: await scratchDirectory(), DOCKER_AUTH_CONFIG: undefined })
  })

  const pull = (host: string) =>
    withClient(
      async (client) => void (await client.repository(parseReference(`${host}/some/app`), 'pull').getManifest('1')),
    )
  const tokenLines = (asked: readonly string[]) => asked.filter((line) => line.includes('/token'))

  it('are fetched with the password, which the registry itself never sees', async () => {
    await using registry = await openTokenRegistry()
    await storeCredentials(registry.host, { username: 'joe', password: 'word' })
    await pull(registry.host)
    const sent = registry.headers.map(({ authorization }) => authorization)
    assert.deepEqual(sent, [undefined, `Basic ${Buffer.from('joe:word').toString('base64')}`, 'Bearer token-1'])
  })

  it('are traded for identity tokens by POST', async () => {
    let form = new URLSearchParams()
    await using registry = await openTokenRegistry({
      onToken: (_, body) => {
        form = new URLSearchParams(body)
        return { answer: { access_token: 'fresh' } }
      },
    })
    await storeCredentials(registry.host, { username: 'joe', password: 'word', identityToken: 'refresh-me' })
    await pull(registry.host)
    assert.deepEqual(tokenLines(registry.asked), ['POST /token'])
    assert.deepEqual(Object.fromEntries(form), {
      grant_type: 'refresh_token',
      client_id: 'coracle',
      service: 'reg',
      scope: 'repository:some/app:pull',
      refresh_token: 'refresh-me',
    })
  })

  it('are asked for by GET where the server knows no POST', async () => {
    await using registry = await openTokenRegistry({
      onToken: ({ method }) => (method === 'POST' ? { status: 405, answer: {} } : undefined),
    })
    await storeCredentials(registry.host, { username: 'joe', password: 'word', identityToken: 'refresh-me' })
    await pull(registry.host)
    assert.deepEqual(
      tokenLines(registry.asked).map((line) => line.split(' ')[0]),
      ['POST', 'GET'],
    )
  })

  it('are renewed once when they are refused, and no oftener', async () => {
    await using moody = await openTokenRegistry({ accepts: (token) => token !== 'token-1' })
    await withClient(async (client) => {
      const repository = client.repository(parseReference(`${moody.host}/some/app`), 'pull')
      await assert.rejects(repository.getManifest('1'), /access denied/)
      await repository.getManifest('1')
    })
    assert.equal(tokenLines(moody.asked).length, 2)
  })

  it('are fetched once for requests at the same time', async () => {
    await using registry = await openTokenRegistry()
    await withClient(async (client) => {
      const repository = client.repository(parseReference(`${registry.host}/some/app`), 'pull')
      await Promise.all(['1', '2', '3', '4'].map((tag) => repository.getManifest(tag)))
    })
    assert.equal(tokenLines(registry.asked).length, 1)
  })

  it('cover the repository that a blob is mounted from', async () => {
    await using registry = await openTokenRegistry({
      onRequest: ({ method }, response) => {
        response.writeHead(method === 'HEAD' ? 404 : 201, { location: '/' }).end()
        return true
      },
      accepts: (token) => token !== 'token-1' || registry.asked.at(-1)?.startsWith('HEAD') === true,
    })
    const content = randomBytes(10)
    const blob: Descriptor = { mediaType: OCI_LAYER_GZIP, digest: digestOf(content), size: 10 }
    await withClient(async (client) => {
      const repository = client.repository(parseReference(`${registry.host}/some/app`), 'push')
      const outcome = await repository.pushBlob(blob, async () => Readable.from([content]), { mountFrom: ['base'] })
      assert.equal(outcome, 'mounted')
    })
    const last = new URL(tokenLines(registry.asked).at(-1)?.split(' ')[1] ?? '', 'http://x')
    assert.deepEqual(last.searchParams.getAll('scope').toSorted(), [
      'repository:base:pull',
      'repository:some/app:pull',
      'repository:some/app:pull,push',
    ])
  })

  it('for keeping are what a login brings back, and a refusal says why without the password', async () => {
    await using registry = await openTokenRegistry({
      onToken: ({ headers, url = '' }) =>
        headers.authorization === `Basic ${Buffer.from('joe:word').toString('base64')}`
          ? { answer: { token: 'good', refresh_token: url.includes('offline_token=true') ? 'keep-me' : undefined } }
          : { status: 401, answer: { details: 'incorrect username or password' } },
    })
    await withClient(async (client) => {
      const answer = await client.login(registry.host, { username: 'joe', password: 'word' })
      assert.deepEqual(answer, { identityToken: 'keep-me' })
      await assert.rejects(
        client.login(registry.host, { username: 'joe', password: 'other-word' }),
        (error: Error) =>
          error instanceof LoginFailed &&
          error.message.includes('incorrect username') &&
          !error.message.includes('other-word'),
      )
    })
  })

  it('are not asked for without encryption by a registry that is spoken to with it', async () => {
    const transport = openTransport()
    const credentials: Credentials = { username: 'joe', password: 'word' }
    const ask = (realm: string) =>
      authorize(transport, {
        base: new URL('https://registry.example/v2'),
        challenges: parseChallenges(`Bearer realm="${realm}"`),
        scopes: [],
        credentials,
        skipVerify: false,
      })
    await assert.rejects(ask('http://registry.example/token'), /not encrypted/)
    await assert.rejects(ask('ftp://registry.example/token'), /not encrypted/)
    await assert.rejects(ask('nonsense'), /no address/)
    await transport.close()
  })
})
