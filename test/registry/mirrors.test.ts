import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { storeCredentials } from '../../src/registry/credentials.ts'
import { endpointsOf } from '../../src/registry/endpoints.ts'
import { parseHostsToml } from '../../src/registry/hosts-toml.ts'
import { openRegistryClient } from '../../src/registry/open-client.ts'
import { setEnvironment } from '../support/environment.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { openScriptedRegistry } from '../support/scripted-registry.ts'

const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, layers: [] }))
const nothing = { mirrors: [], insecure: [] }

describe('mirrors', () => {
  let directory = ''

  beforeEach(async () => {
    directory = await scratchDirectory()
    setEnvironment({
      DOCKER_CONFIG: directory,
      CORACLE_CONFIG: join(directory, 'config.json'),
      CORACLE_CERTS_D: directory,
    })
  })

  const writeHosts = async (registry: string, text: string) => {
    await mkdir(join(directory, registry), { recursive: true })
    await writeFile(join(directory, registry, 'hosts.toml'), text)
  }
  const pull = async (name: string) => {
    const client = openRegistryClient()
    try {
      const reference = parseReference(name)
      const answer = await client.repository(reference, 'pull').getManifest(reference.digest ?? reference.tag ?? '')
      return answer.descriptor.digest
    } finally {
      await client.close()
    }
  }

  it('of Docker Hub are those of the configuration, and pushes go past all of them', () => {
    const configuration = { mirrors: ['https://one.example', 'https://two.example/v2/', 'no address'], insecure: [] }
    const hrefs = (action: 'pull' | 'push', registry = 'docker.io') =>
      endpointsOf(registry, action, configuration).map(({ base }) => base.href)
    assert.deepEqual(hrefs('pull'), [
      'https://one.example/v2',
      'https://two.example/v2/',
      'https://registry-1.docker.io/v2',
    ])
    assert.deepEqual(hrefs('push'), ['https://registry-1.docker.io/v2'])
    assert.deepEqual(hrefs('pull', 'quay.io'), ['https://quay.io/v2'])
  })

  it('are asked first, with the name of the registry and without its credentials', async () => {
    await using mirror = await openScriptedRegistry((_, answer) => {
      answer.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest)
    })
    await writeHosts('registry.example', `[host."http://${mirror.host}"]`)
    await storeCredentials('registry.example', { username: 'joe', password: 'secret' })
    assert.equal(await pull('registry.example/some/app:1'), digestOf(manifest))
    assert.deepEqual(mirror.asked, ['GET /v2/some/app/manifests/1?ns=registry.example'])
    assert.equal(mirror.headers[0]?.authorization, undefined)
  })

  it('do not get the credentials of the registry even when they ask for them', async () => {
    await using registry = await openScriptedRegistry((_, answer) => {
      answer.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest)
    })
    await using mirror = await openScriptedRegistry((_, answer) => {
      answer.writeHead(401, { 'www-authenticate': 'Basic realm="mirror"' }).end()
    })
    await writeFile(join(directory, 'config.json'), JSON.stringify({ 'insecure-registries': [registry.host] }))
    await writeHosts(registry.host, `[host."http://${mirror.host}"]`)
    await storeCredentials(registry.host, { username: 'joe', password: 'secret' })
    assert.equal(await pull(`${registry.host}/some/app:1`), digestOf(manifest))
    assert.deepEqual(
      mirror.headers.map(({ authorization }) => authorization),
      [undefined],
    )
  })

  it('that are down, refuse, or answer with nonsense are passed over', async () => {
    await using registry = await openScriptedRegistry((_, answer) => {
      answer.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest)
    })
    await using refusing = await openScriptedRegistry((_, answer) => void answer.writeHead(404).end())
    await using senseless = await openScriptedRegistry((_, answer) => {
      answer.writeHead(401, { 'www-authenticate': 'Bearer realm="http://nowhere.example/token"' }).end()
    })
    await writeFile(join(directory, 'config.json'), JSON.stringify({ 'insecure-registries': [registry.host] }))
    const mirrors = ['127.0.0.1:9', refusing.host, senseless.host]
    await writeHosts(registry.host, mirrors.map((host) => `[host."http://${host}"]`).join('\n'))
    assert.equal(await pull(`${registry.host}/some/app:1`), digestOf(manifest))
    assert.equal(refusing.asked.length + senseless.asked.length, 2)
  })

  it('that may not resolve tags are asked for digests only', async () => {
    const answerAll = (_: unknown, answer: import('node:http').ServerResponse) =>
      void answer.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest)
    await using registry = await openScriptedRegistry(answerAll)
    await using mirror = await openScriptedRegistry(answerAll)
    await writeFile(join(directory, 'config.json'), JSON.stringify({ 'insecure-registries': [registry.host] }))
    await writeHosts(registry.host, `[host."http://${mirror.host}"]\n  capabilities = ["pull"]`)
    await pull(`${registry.host}/some/app:1`)
    assert.equal(mirror.asked.length, 0)
    await pull(`${registry.host}/some/app@${digestOf(manifest)}`)
    assert.equal(mirror.asked.length, 1)
  })
})

describe('endpointsOf', () => {
  beforeEach(async () => {
    setEnvironment({ CORACLE_CERTS_D: await scratchDirectory() })
  })

  it('speaks plain http to this machine alone', () => {
    const base = (host: string) => endpointsOf(host, 'push', nothing)[0]?.base.href
    assert.equal(base('localhost:5000'), 'http://localhost:5000/v2')
    assert.equal(base('[::1]:5000'), 'http://[::1]:5000/v2')
    assert.equal(base('registry.example'), 'https://registry.example/v2')
  })

  it('tries TLS before plain http where the configuration allows it', () => {
    const [endpoint] = endpointsOf('10.1.2.3:5000', 'push', { mirrors: [], insecure: ['10.0.0.0/8'] })
    assert.equal(endpoint?.base.href, 'https://10.1.2.3:5000/v2')
    assert.equal(endpoint.plainBase?.href, 'http://10.1.2.3:5000/v2')
    assert.equal(endpoint.skipVerify, true)
  })
})

describe('parseHostsToml', () => {
  it('reads hosts in order, with what they are good for', () => {
    const text = `
server = "https://registry.example" # the registry itself

[host."https://one.example/v2/proxy"]
  capabilities = [
    "pull",   # not for tags
  ]
  override_path = true
[host."https://two.example"]
  skip_verify = true
[host."https://two.example".header]
  x-key = "value"
[host."ftp://three.example"]
`
    assert.deepEqual(parseHostsToml(text), [
      { url: 'https://one.example/v2/proxy', capabilities: ['pull'], skipVerify: false, overridePath: true },
      {
        url: 'https://two.example',
        capabilities: ['pull', 'resolve', 'push'],
        skipVerify: true,
        overridePath: false,
      },
    ])
  })
})
