/** Single-file commands from web servers and registries: fetched, confirmed by digest, pinned, taken again. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { digestOf } from '../../src/oci/digest.ts'
import { type Cli, openCli } from '../support/cli.ts'
import { startTestRegistry, type TestRegistry } from '../support/image-registry.ts'
import { pluginSource, writePlugin } from '../support/plugins.ts'
import { startSecuredRegistry } from '../support/secured-registry.ts'

const execute = promisify(execFile)
const sourceOf = (said: string, permissions: readonly string[] = []): string =>
  pluginSource(`context.print(${JSON.stringify(said)})`, { permissions, summary: `Say ${said}` })

describe('a plugin from elsewhere', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
  })

  const inspect = (name: string, key: string): string =>
    cli.output('plugins', 'inspect', '--format', `{{.${key}}}`, name)
  const installed = (): string[] => {
    const path = join(cli.directory, 'root/plugins')
    return existsSync(path) ? readdirSync(path) : []
  }

  describe('of a web server', () => {
    const servers: { close(): unknown; closeAllConnections(): void }[] = []
    afterEach(() => {
      for (const server of servers.splice(0)) {
        server.closeAllConnections()
        server.close()
      }
    })

    async function serve(listener: RequestListener): Promise<string> {
      const server = createServer(listener).listen(0, '127.0.0.1')
      servers.push(server)
      await once(server, 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    const refused = async (address: string, reason: RegExp, ...more: string[]): Promise<void> => {
      const { status, stderr } = await cli.served.run('plugins', 'add', '-A', ...more, address)
      assert.equal(status, 1, stderr)
      assert.match(stderr, reason)
      assert.deepEqual(installed(), [])
    }

    it('is installed with the digest that was demanded, and with no other', async () => {
      const text = sourceOf('from the web')
      const address = `${await serve((_, answer) => answer.end(text))}/tools/hello.js?raw=1#top`
      await refused(
        address,
        /hello\.js.* is not sha256:0{64}: it has the digest sha256:/,
        '--digest',
        `sha256:${'0'.repeat(64)}`,
      )
      await refused(address, new RegExp(`nobody has confirmed .*\n.*--digest ${digestOf(text)}`))
      assert.equal(await cli.served.output('plugins', 'add', '--digest', digestOf(text), address), 'hello')
      assert.equal(cli.output('hello'), 'from the web')
      assert.equal(inspect('hello', 'Origin'), address.replace('#top', ''))
      assert.equal(inspect('hello', 'Pinned'), digestOf(text))
    })

    it('is asked for at a terminal by its digest', async () => {
      const text = sourceOf('asked')
      const address = `${await serve((_, answer) => answer.end(text))}/hello.js`
      const no = await cli.served.atTerminal({ input: 'n\n' }, 'plugins', 'add', address)
      assert.equal(no.status, 130, no.stdout)
      assert(no.stdout.includes(`${address} has the digest ${digestOf(text)}. Is that what you want? [y/N]`), no.stdout)
      assert.deepEqual(installed(), [])
      const yes = await cli.served.atTerminal({ input: 'y\n' }, 'plugins', 'add', address)
      assert.equal(yes.status, 0, yes.stdout)
      assert.equal(cli.output('hello'), 'asked')
    })

    it('is spoken of by both digests when it has changed, and stays as it was until that is agreed to', async () => {
      let text = sourceOf('old')
      const address = `${await serve((_, answer) => answer.end(text))}/hello.js`
      await cli.served.output('plugins', 'add', '--digest', digestOf(text), address)
      assert.equal(await cli.served.output('plugins', 'update', 'hello'), 'hello has not changed')
      const old = digestOf(text)
      text = sourceOf('new')
      const alone = await cli.served.run('plugins', 'update', '-A', 'hello')
      assert.match(alone.stderr, /nobody has confirmed/)
      assert.equal(cli.output('hello'), 'old')
      const asked = await cli.served.atTerminal({ input: 'y\n' }, 'plugins', 'update', 'hello')
      assert(
        asked.stdout.includes(`hello has changed from ${old} to ${digestOf(text)}. Take the new one?`),
        asked.stdout,
      )
      assert.equal(cli.output('hello'), 'new')
    })

    it('is followed through redirections of this machine, but not for ever', async () => {
      const text = sourceOf('found')
      const address = await serve((request, answer) => {
        if (request.url === '/hello.js') answer.writeHead(302, { location: '/real' }).end()
        else if (request.url === '/real') answer.end(text)
        else answer.writeHead(307, { location: request.url ?? '' }).end()
      })
      assert.equal(
        await cli.served.output('plugins', 'add', '--digest', digestOf(text), `${address}/hello.js`),
        'hello',
      )
      cli.output('plugins', 'uninstall', 'hello')
      await refused(`${address}/round.js`, /round\.js: it is redirected more than 5 times/)
    })

    it('comes from nowhere without encryption but this machine, be it by redirection', async () => {
      await refused('http://plugins.example/hello.js', /hello\.js: only https:\/\/ will do/)
      const away = await serve((_, answer) => answer.writeHead(302, { location: 'http://192.0.2.1/x' }).end())
      await refused(`${away}/hello.js`, /it is redirected to http:\/\/192\.0\.2\.1/)
      const file = await serve((_, answer) => answer.writeHead(302, { location: 'file:///etc/passwd' }).end())
      await refused(`${file}/hello.js`, /it is redirected to file:/)
    })

    it('comes over https from who has a certificate that is trusted, and leads from there to no service of this machine', async () => {
      const [cert, key] = [join(cli.directory, 'cert.pem'), join(cli.directory, 'key.pem')]
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
      await execute('openssl', [...request, ...names, '-keyout', key, '-out', cert])
      const text = sourceOf('encrypted')
      const inner = await serve((_, answer) => answer.end(text))
      const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (asked, answer) => {
        if (asked.url === '/hello.js') answer.end(text)
        else answer.writeHead(302, { location: `${inner}/hello.js` }).end()
      }).listen(0, '127.0.0.1')
      servers.push(server)
      await once(server, 'listening')
      const address = `https://localhost:${(server.address() as AddressInfo).port}`
      await refused(`${address}/hello.js`, /hello\.js: self-signed certificate/)
      cli.env['SSL_CERT_FILE'] = cert
      await refused(`${address}/away.js`, /it is redirected to http:\/\/127\.0\.0\.1/)
      assert.equal(
        await cli.served.output('plugins', 'add', '--digest', digestOf(text), `${address}/hello.js`),
        'hello',
      )
    })

    it('is refused when it is too long, by its word or without one', async () => {
      const told = await serve((_, answer) => answer.writeHead(200, { 'content-length': 1 << 30 }).write('x'))
      await refused(`${told}/big.js`, /big\.js: it is larger than 16 MiB/)
      const chunk = Buffer.alloc(1 << 20, ' ')
      const endless = await serve((_, answer) => {
        const more = (): void => {
          while (answer.write(chunk));
        }
        answer.on('drain', more)
        more()
      })
      await refused(`${endless}/big.js`, /sends more than 16777216 bytes/)
    })

    it('is refused when it is no such file', async () => {
      const address = await serve((request, answer) => {
        if (request.url?.startsWith('/page')) answer.setHeader('content-type', 'text/html').end('<html>')
        else if (request.url?.startsWith('/gone')) answer.writeHead(404).end()
        else answer.end(Buffer.from([0xff, 0xfe, 0x00]))
      })
      await refused(`${address}/page.js`, /page\.js: it is a web page/)
      await refused(`${address}/gone.js`, /gone\.js: the server answered 404/)
      await refused(`${address}/bytes.js`, /bytes\.js is not a plugin .* it is no text in UTF-8/)
      await refused(`${address}/bytes.wasm`, /bytes\.wasm is not a plugin .* it is no WebAssembly module/)
      await refused(`${address}/hello.py`, /its name must end in \.ts, \.js or \.wasm/)
      await refused(address.replace('//', '//me:secret@').concat('/x.js'), /holds a password/)
    })
  })

  describe('of a registry', () => {
    let registry: TestRegistry
    beforeEach(async () => {
      registry = await startTestRegistry()
    })

    const publish = async (
      said: string,
      tags: readonly string[],
      permissions: readonly string[] = [],
    ): Promise<string> => {
      const file = writePlugin(cli, 'hello.js', sourceOf(said, permissions))
      const names = tags.map((tag) => `${registry.host}/tools/greeter:${tag}`)
      const [first = ''] = (await cli.served.output('plugins', 'publish', file, ...names)).split('\n')
      return first.slice(first.indexOf('@') + 1)
    }

    it('is published by several names and installed elsewhere, pinned by the digest of its manifest', async () => {
      const file = writePlugin(
        cli,
        'hello.ts',
        sourceOf('published').replace('contract:', "version: '2.1',\n  contract:"),
      )
      const name = `${registry.host}/tools/greeter`
      const printed = await cli.served.output('plugins', 'publish', file, `oci://${name}:2.1`, `${name}:latest`)
      const digest = /^oci:\/\/\S+:2\.1@(sha256:[0-9a-f]{64})\noci:\/\/\S+:latest@\1$/.exec(printed)?.[1] ?? ''
      assert.notEqual(digest, '', printed)
      assert.equal(await cli.served.output('plugins', 'publish', file, `${name}:2.1`), `oci://${name}:2.1@${digest}`)

      cli = await openCli()
      assert.equal(await cli.served.output('plugins', 'add', '--digest', digest, `oci://${name}`), 'hello')
      assert.equal(cli.output('hello'), 'published')
      assert.equal(inspect('hello', 'Pinned'), digest)
      assert.equal(inspect('hello', 'Origin'), `oci://${name}:latest`)
      assert.equal(inspect('hello', 'Version'), '2.1')
      assert.equal(inspect('hello', 'Type'), 'ts')
      cli.output('plugins', 'uninstall', 'hello')
      assert.equal(await cli.served.output('plugins', 'add', `oci://${name}@${digest}`), 'hello')
    })

    it('is an artifact that other tools understand', async () => {
      await publish('seen', ['1'])
      const name = `docker://${registry.host}/tools/greeter:1`
      const { stdout } = await execute('skopeo', ['inspect', '--raw', '--tls-verify=false', name])
      const manifest = JSON.parse(stdout) as Record<string, unknown>
      assert.equal(manifest['artifactType'], 'application/vnd.coracle.plugin.v1')
      assert.deepEqual(manifest['annotations'], {
        'org.opencontainers.image.title': 'hello',
        'org.opencontainers.image.description': 'Say seen',
        'coracle.plugin.contract': '^1.0.0',
      })
      const copy = join(cli.directory, 'copy')
      await execute('skopeo', ['copy', '-q', '--src-tls-verify=false', name, `dir:${copy}`])
      assert(readdirSync(copy).some((each) => readFileSync(join(copy, each), 'utf8') === sourceOf('seen')))
    })

    it('is published and fetched with the credentials of a login', async () => {
      await using secured = await startSecuredRegistry({ user: 'ann:secret' })
      const file = writePlugin(cli, 'hello.js', sourceOf('for ann'))
      const name = `${secured.host}/tools/greeter:1`
      assert.match((await cli.served.run('plugins', 'publish', file, name)).stderr, /access denied/)
      await cli.served.output('login', '-u', 'ann', '-p', 'secret', secured.host)
      const printed = await cli.served.output('plugins', 'publish', file, name)
      await cli.served.output('plugins', 'add', printed)
      assert.equal(cli.output('hello'), 'for ann')
      await cli.served.output('logout', secured.host)
      assert.match((await cli.served.run('plugins', 'publish', file, name)).stderr, /access denied/)
    })

    it('is followed when its tag moves, after that was agreed to', async () => {
      const old = await publish('old', ['1'])
      const name = `oci://${registry.host}/tools/greeter:1`
      await cli.served.output('plugins', 'add', '--digest', old, name)
      registry.requests.length = 0
      assert.equal(await cli.served.output('plugins', 'update', 'hello'), 'hello has not changed')
      assert.deepEqual(
        registry.requests.filter((line) => line.startsWith('GET') && line !== 'GET /v2/'),
        [],
      )
      const fresh = await publish('new', ['1'], ['net'])
      const unasked = await cli.served.run('plugins', 'update', '-A', 'hello')
      assert.match(unasked.stderr, /nobody has confirmed/)
      const needy = await cli.served.run('plugins', 'update', '--digest', fresh, 'hello')
      assert.match(needy.stderr, /hello asks for net/)
      assert.equal(cli.output('hello'), 'old')
      assert.equal(inspect('hello', 'Pinned'), old)
      const asked = await cli.served.atTerminal({ input: 'y\ny\n' }, 'plugins', 'update', 'hello')
      assert(asked.stdout.includes(`hello has changed from ${old} to ${fresh}. Take the new one? [y/N]`), asked.stdout)
      assert.match(asked.stdout, /Allow hello to use the network, as client and server\? \(NEW\) \[y\/N\]/)
      assert.equal(cli.output('hello'), 'new')
      assert.equal(inspect('hello', 'Pinned'), fresh)
    })

    it('leaves nothing when its content is not what the digest says', async () => {
      const digest = await publish('honest', ['1'])
      const blob = digestOf(sourceOf('honest')).slice('sha256:'.length)
      const [path = ''] = globSync(`${registry.dataPath}/**/${blob}/data`)
      writeFileSync(path, sourceOf('hacked'))
      const name = `oci://${registry.host}/tools/greeter:1`
      const { status, stderr } = await cli.served.run('plugins', 'add', '--digest', digest, name)
      assert.equal(status, 1)
      assert.match(stderr, /its manifest names sha256:\S+, and the registry sent sha256:/)
      assert.deepEqual(installed(), [])
    })

    it('is refused when it is something else', async () => {
      const put = async (tag: string, manifest: object): Promise<void> => {
        const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
        const body = JSON.stringify({ schemaVersion: 2, mediaType: headers['content-type'], ...manifest })
        const answer = await fetch(`http://${registry.host}/v2/tools/greeter/manifests/${tag}`, {
          method: 'PUT',
          headers,
          body,
        })
        assert.equal(answer.status, 201, await answer.text())
      }
      await publish('blobs', ['1'])
      const { config, layers } = (await (
        await fetch(`http://${registry.host}/v2/tools/greeter/manifests/1`, {
          headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
        })
      ).json()) as { config: object; layers: object[] }
      const artifactType = 'application/vnd.coracle.plugin.v1'
      await put('other', { artifactType: 'application/vnd.example', config, layers })
      await put('two', { artifactType, config, layers: [...layers, ...layers] })
      await put('none', { artifactType, config, layers: [] })
      await put('huge', { artifactType, config, layers: [{ ...layers[0], size: 1 << 30 }] })
      const refused = async (tag: string, reason: RegExp): Promise<void> => {
        const { stderr } = await cli.served.run('plugins', 'add', '-A', `oci://${registry.host}/tools/greeter:${tag}`)
        assert.match(stderr, reason)
        assert.deepEqual(installed(), [])
      }
      await refused('other', /it is no plugin but "application\/vnd\.example"/)
      await refused('two', /its manifest names no single file/)
      await refused('none', /its manifest names no single file/)
      await refused('huge', /it is larger than 16 MiB/)
      await refused('gone', /manifest unknown/)
    })

    it('cannot be published when nobody could install it', async () => {
      const to = `${registry.host}/tools/greeter:1`
      const taken = await cli.served.run('plugins', 'publish', writePlugin(cli, 'ps.js', sourceOf('')), to)
      assert.match(taken.stderr, /'ps' is a command of Coracle itself/)
      const hello = writePlugin(cli, 'hello.js', sourceOf('hello'))
      const pinned = await cli.served.run('plugins', 'publish', hello, `${to}@sha256:${'0'.repeat(64)}`)
      assert.match(pinned.stderr, /a digest is what publishing answers/)
      assert.deepEqual(registry.requests, [])
    })
  })
})
