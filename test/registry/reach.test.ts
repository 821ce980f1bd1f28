import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, it } from 'mocha'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_LAYER_GZIP } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryRepository } from '../../src/registry/client.ts'
import { RegistryUnreachable } from '../../src/registry/errors.ts'
import { openRegistryClient } from '../../src/registry/open-client.ts'
import { setEnvironment } from '../support/environment.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { type SecuredRegistry, startSecuredRegistry } from '../support/secured-registry.ts'

const content = randomBytes(300_000)
const blob: Descriptor = { mediaType: OCI_LAYER_GZIP, digest: digestOf(content), size: content.length }

/** Pushes something and pulls it again. */
async function roundTrip(host: string): Promise<void> {
  await withRepository(host, 'push', async (repository) => {
    assert.equal(await repository.pushBlob(blob, async () => Readable.from([content])), 'uploaded')
  })
  await withRepository(host, 'pull', async (repository) => {
    assert(content.equals(await buffer(await repository.getBlob(blob))))
  })
}

async function withRepository(
  host: string,
  action: 'pull' | 'push',
  use: (repository: RegistryRepository) => Promise<void>,
): Promise<void> {
  const client = openRegistryClient()
  try {
    await use(client.repository(parseReference(`${host}/some/app`), action))
  } finally {
    await client.close()
  }
}

describe('a registry with TLS or without', () => {
  let directory = ''

  beforeEach(async () => {
    directory = await scratchDirectory()
    setEnvironment({
      DOCKER_CONFIG: directory,
      DOCKER_AUTH_CONFIG: undefined,
      REGISTRY_AUTH_FILE: undefined,
      CORACLE_CONFIG: join(directory, 'coracle.json'),
      CORACLE_CERTS_D: join(directory, 'certs.d'),
    })
  })

  const writeCertificates = async ({ host }: SecuredRegistry, files: Readonly<Record<string, string>>) => {
    await mkdir(join(directory, 'certs.d', host), { recursive: true })
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, 'certs.d', host, name), text)
  }

  it('lets nobody in without the certificate that it asks for', async () => {
    await using registry = await startSecuredRegistry({ clientCertificates: true })
    await writeCertificates(registry, { 'ca.crt': registry.certificate })
    await withRepository(registry.host, 'pull', async (repository) => {
      await assert.rejects(repository.resolve('1'), RegistryUnreachable)
    })
  })

  it('is not even asked when a certificate of ours has no key: the files say so at once', async () => {
    await using registry = await startSecuredRegistry({ clientCertificates: true })
    await writeCertificates(registry, { 'ca.crt': registry.certificate, 'me.cert': registry.certificate })
    await withRepository(registry.host, 'pull', async (repository) => {
      await assert.rejects(repository.resolve('1'), /me\.cert has no key beside it/)
    })
  })

  it('is not believed when nobody knows its certificate, and says where to put that', async () => {
    await using registry = await startSecuredRegistry({ tls: true })
    await writeCertificates(registry, { 'hosts.toml': '' })
    await withRepository(registry.host, 'pull', async (repository) => {
      await assert.rejects(
        repository.resolve('1'),
        (error: Error & { hint?: string }) => error instanceof RegistryUnreachable && /certs\.d/.test(error.hint ?? ''),
      )
    })
  })

  it('is believed when the authorities of the system know it', async () => {
    await using registry = await startSecuredRegistry({ tls: true })
    await writeFile(join(directory, 'bundle.pem'), registry.certificate)
    setEnvironment({ SSL_CERT_FILE: join(directory, 'bundle.pem') })
    await writeCertificates(registry, { 'hosts.toml': '' })
    await roundTrip(registry.host)
  })

  it('may have any certificate when it is configured to be insecure', async () => {
    await using registry = await startSecuredRegistry({ tls: true })
    await writeFile(join(directory, 'coracle.json'), JSON.stringify({ 'insecure-registries': [registry.host] }))
    await roundTrip(registry.host)
  })

  it('may speak plain http when it is configured to be insecure', async () => {
    await using registry = await startSecuredRegistry({})
    await writeFile(join(directory, 'coracle.json'), JSON.stringify({ 'insecure-registries': [registry.host] }))
    await roundTrip(registry.host)
  })

  it('is reached through a proxy, which sees nothing but where to connect to', async () => {
    await using registry = await startSecuredRegistry({ tls: true })
    await using proxy = await openConnectProxy()
    await writeCertificates(registry, { 'ca.crt': registry.certificate })
    setEnvironment({ https_proxy: `http://user:word@${proxy.host}`, no_proxy: undefined, CORACLE_PROXY_LOOPBACK: '1' })
    await roundTrip(registry.host)
    assert(proxy.asked.length > 0)
    for (const line of proxy.asked)
      assert.equal(line, `CONNECT ${registry.host} Basic ${Buffer.from('user:word').toString('base64')}`)
  })
})

async function openConnectProxy(): Promise<AsyncDisposable & { readonly host: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(405).end()
  })
  const sockets = new Set<{ destroy(): void }>()
  server.on('connect', (request, client) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`)
    const [host, port] = (request.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(onward).pipe(client)
    })
    for (const socket of [client, onward]) {
      sockets.add(socket)
      socket.on('error', () => [client, onward].forEach((either) => void either.destroy()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return {
    host: `127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
