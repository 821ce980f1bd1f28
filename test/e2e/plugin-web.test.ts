/** Single-file commands from web servers: fetched, confirmed by digest, pinned, taken again. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { digestOf } from '../../src/oci/digest.ts'
import { type Cli, openCli } from '../support/cli.ts'
import { installedPlugins, sayingSource } from '../support/plugins.ts'

const execute = promisify(execFile)

describe('a plugin of a web server', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
  })

  const inspect = (name: string, key: string): string =>
    cli.output('plugins', 'inspect', '--format', `{{.${key}}}`, name)

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
    assert.deepEqual(installedPlugins(cli), [])
  }

  it('is installed with the digest that was demanded, and with no other', async () => {
    const text = sayingSource('from the web')
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
    const text = sayingSource('asked')
    const address = `${await serve((_, answer) => answer.end(text))}/hello.js`
    const no = await cli.served.atTerminal({ input: 'n\n' }, 'plugins', 'add', address)
    assert.equal(no.status, 130, no.stdout)
    assert(no.stdout.includes(`${address} has the digest ${digestOf(text)}. Is that what you want? [y/N]`), no.stdout)
    assert.deepEqual(installedPlugins(cli), [])
    const yes = await cli.served.atTerminal({ input: 'y\n' }, 'plugins', 'add', address)
    assert.equal(yes.status, 0, yes.stdout)
    assert.equal(cli.output('hello'), 'asked')
  })

  it('is spoken of by both digests when it has changed, and stays as it was until that is agreed to', async () => {
    let text = sayingSource('old')
    const address = `${await serve((_, answer) => answer.end(text))}/hello.js`
    await cli.served.output('plugins', 'add', '--digest', digestOf(text), address)
    assert.equal(await cli.served.output('plugins', 'update', 'hello'), 'hello has not changed')
    const old = digestOf(text)
    text = sayingSource('new')
    const alone = await cli.served.run('plugins', 'update', '-A', 'hello')
    assert.match(alone.stderr, /nobody has confirmed/)
    assert.equal(cli.output('hello'), 'old')
    const asked = await cli.served.atTerminal({ input: 'y\n' }, 'plugins', 'update', 'hello')
    assert(asked.stdout.includes(`hello has changed from ${old} to ${digestOf(text)}. Take the new one?`), asked.stdout)
    assert.equal(cli.output('hello'), 'new')
  })

  it('is followed through redirections of this machine, but not for ever', async () => {
    const text = sayingSource('found')
    const address = await serve((request, answer) => {
      if (request.url === '/hello.js') answer.writeHead(302, { location: '/real' }).end()
      else if (request.url === '/real') answer.end(text)
      else answer.writeHead(307, { location: request.url ?? '' }).end()
    })
    assert.equal(await cli.served.output('plugins', 'add', '--digest', digestOf(text), `${address}/hello.js`), 'hello')
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
    const text = sayingSource('encrypted')
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
    assert.equal(await cli.served.output('plugins', 'add', '--digest', digestOf(text), `${address}/hello.js`), 'hello')
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
