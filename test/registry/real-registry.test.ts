import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import { AccessDenied, LoginFailed, RegistryUnreachable } from '../../src/registry/errors.ts'
import { openRegistryClient } from '../../src/registry/open-client.ts'
import { scratchDirectory } from '../support/scratch.ts'

const content = randomBytes(500_000)
const blob: Descriptor = { mediaType: OCI_LAYER_GZIP, digest: digestOf(content), size: content.length }
const openContent = async (offset: number) => Readable.from([content.subarray(offset)])

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

describe('the registry client against docker-registry', () => {
  let scratch = ''
  let host = ''
  let port = 0
  let server: ChildProcess | undefined
  let client: RegistryClient
  const before = { ...process.env }

  beforeEach(async () => {
    scratch = await scratchDirectory()
    port = await freePort()
    host = `127.0.0.1:${port}`
    process.env['DOCKER_CONFIG'] = scratch
    process.env['CORACLE_CERTS_D'] = join(scratch, 'certs.d')
    client = openRegistryClient()
  })

  afterEach(async () => {
    await client.close()
    process.env = { ...before }
    const running = server
    server = undefined
    if (running === undefined || running.exitCode !== null) return
    running.kill('SIGKILL')
    await once(running, 'exit')
  })

  const start = async (extra = '', httpExtra = '') => {
    mkdirSync(join(scratch, 'data'))
    const storage = `storage: { filesystem: { rootdirectory: "${scratch}/data" } }`
    writeFileSync(
      join(scratch, 'config.yml'),
      `version: 0.1\nlog: { level: error }\n${storage}\n${extra}\nhttp:\n  addr: ${host}\n${httpExtra}`,
    )
    server = spawn('docker-registry', ['serve', join(scratch, 'config.yml')], { stdio: 'ignore' })
    for (let tries = 0; tries < 100; tries++) {
      const answered = await fetch(`http://${host}/v2/`).then(
        () => true,
        (error: Error) => !String((error.cause as { code?: string } | undefined)?.code).includes('ECONNREFUSED'),
      )
      if (answered) return
      await sleep(50)
    }
    throw new Error('docker-registry did not start')
  }

  const withBasicAuth = async () => {
    const line = execFileSync('htpasswd', ['-Bbn', 'ann', 's3cr:et'], { encoding: 'utf8' })
    writeFileSync(join(scratch, 'htpasswd'), line)
    await start(`auth: { htpasswd: { realm: test, path: "${scratch}/htpasswd" } }`)
  }

  const pushImage = async (name: string) => {
    const repository = client.repository(parseReference(`${host}/${name}`), 'push')
    const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
    const configBlob = { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length }
    await repository.pushBlob(configBlob, async () => Readable.from([config]))
    await repository.pushBlob(blob, openContent)
    const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: configBlob, layers: [blob] }
    return repository.putManifest('1', Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST)
  }

  it('pushes an image and reads back what it pushed', async () => {
    await start()
    const digest = await pushImage('some/app')
    const repository = client.repository(parseReference(`${host}/some/app`), 'pull')

    assert.equal((await repository.resolve('1')).digest, digest)
    assert.equal((await repository.getManifest('1')).descriptor.mediaType, OCI_MANIFEST)
    assert.deepEqual(await buffer(await repository.getBlob(blob)), content)
    assert.deepEqual(await buffer(await repository.getBlob(blob, { offset: 499_990 })), content.subarray(499_990))
    assert.deepEqual(await Array.fromAsync(repository.tags()), ['1'])
  })

  it('skips blobs that are there, mounts those of a neighbour, and uploads the rest whole or in chunks', async () => {
    await start()
    await pushImage('some/app')
    const again = client.repository(parseReference(`${host}/some/app`), 'push')
    const neighbour = client.repository(parseReference(`${host}/other/app`), 'push')
    const chunked = client.repository(parseReference(`${host}/third/app`), 'push')
    const seen: number[] = []

    assert.equal(await again.pushBlob(blob, openContent), 'exists')
    assert.equal(await neighbour.pushBlob(blob, openContent, { mountFrom: ['some/app'] }), 'mounted')
    const outcome = await chunked.pushBlob(blob, openContent, {
      chunkBytes: 150_000,
      onProgress: (bytes) => seen.push(bytes),
    })
    assert.equal(outcome, 'uploaded')
    assert.equal(seen.at(-1), content.length)
    assert.deepEqual(await buffer(await chunked.getBlob(blob)), content)
  })

  it('logs in with a password, and says so when it is wrong', async () => {
    await withBasicAuth()
    assert.deepEqual(await client.login(host, { username: 'ann', password: 's3cr:et' }), {})
    await assert.rejects(client.login(host, { username: 'ann', password: 'wrong' }), LoginFailed)
  })

  it('uses stored credentials, and names the login command without them', async () => {
    await withBasicAuth()
    await assert.rejects(
      pushImage('some/app'),
      (error: Error) => error instanceof AccessDenied && error.message.includes(`coracle login ${host}`),
    )
    writeFileSync(
      join(scratch, 'config.json'),
      JSON.stringify({ auths: { [host]: { auth: Buffer.from('ann:s3cr:et').toString('base64') } } }),
    )
    await pushImage('some/app')
  })

  it('speaks TLS with an authority and a client certificate of its own', async () => {
    const at = (name: string) => join(scratch, name)
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.crt'),
    )
    for (const name of ['server', 'client']) {
      writeFileSync(at(`${name}.ext`), 'subjectAltName=IP:127.0.0.1')
      openssl(
        'req',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        at(`${name}.key`),
        '-out',
        at(`${name}.csr`),
      )
      openssl(
        'x509',
        '-req',
        '-in',
        at(`${name}.csr`),
        '-CA',
        at('ca.crt'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        at(`${name}.ext`),
        '-out',
        at(`${name}.crt`),
      )
    }
    await start(
      '',
      `  tls:\n    certificate: ${at('server.crt')}\n    key: ${at('server.key')}\n    clientcas: ["${at('ca.crt')}"]\n`,
    )
    const directory = join(scratch, 'certs.d', host)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'hosts.toml'), '')

    await assert.rejects(pushImage('some/app'), (error: Error) => error instanceof RegistryUnreachable)
    copyFileSync(at('ca.crt'), join(directory, 'ca.crt'))
    copyFileSync(at('client.crt'), join(directory, 'client.cert'))
    copyFileSync(at('client.key'), join(directory, 'client.key'))
    await client.close()
    client = openRegistryClient()
    await pushImage('some/app')
  })

  it('reads from a mirror first and from the registry when the mirror does not answer', async () => {
    await start()
    await pushImage('some/app')
    const dead = await freePort()
    const directory = join(scratch, 'certs.d', 'registry.example')
    mkdirSync(directory, { recursive: true })
    const mirrors = [`http://127.0.0.1:${dead}`, `http://${host}`].map(
      (url) => `[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`,
    )
    writeFileSync(join(directory, 'hosts.toml'), mirrors.join(''))

    const repository = client.repository(parseReference('registry.example/some/app'), 'pull')
    assert.deepEqual(await buffer(await repository.getBlob(blob)), content)
  })

  it('says who cannot be reached', async () => {
    const repository = client.repository(parseReference(`${host}/some/app`), 'pull')
    await assert.rejects(
      repository.resolve('1'),
      (error: Error) => error instanceof RegistryUnreachable && error.message.includes(host),
    )
  })
})
