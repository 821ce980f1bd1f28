/** Three real servers of Debian packages: nginx before a program that counts visits in redis, which keeps them in a volume. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { debianTar, SERVERS } from '../support/debian.ts'
import { difference, hostNetwork } from '../support/host-network.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

const PORT = 28_080
const PAGE = `http://127.0.0.1:${PORT}/`

/** What the packages' scripts would have made. */
const SYSTEM = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nredis:x:100:100::/var/lib/redis:/bin/false\n',
  'etc/group': 'root:x:0:\nwww-data:x:33:\nredis:x:100:\n',
  'run/.keep': '',
  'etc/nsswitch.conf': 'hosts: files dns\n',
}

const NGINX = `daemon off;
user www-data;
error_log /dev/stderr;
events {}
http {
  access_log /dev/stdout;
  server {
    listen 80;
    location / { proxy_pass http://app:8000; proxy_connect_timeout 2s; }
  }
}
`

/** Looks redis up by name for each visit, so that it finds it wherever it is by then. */
const APP = `import socket

def visit():
    try:
        with socket.create_connection(("db", 6379), 5) as store:
            store.sendall(b"INCR visits\\r\\n")
            return b"200 OK", b"visit " + store.recv(64)[1:].strip() + b"\\n"
    except OSError as error:
        return b"503 Service Unavailable", str(error).encode() + b"\\n"

server = socket.create_server(("", 8000))
while True:
    client, _ = server.accept()
    with client:
        client.settimeout(5)
        client.recv(65536)
        status, body = visit()
        client.sendall(b"HTTP/1.0 " + status + b"\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
`

let coracle: Coracle
let host: string

const output = (...args: string[]) => coracle.output(...args)

describe('an application of three servers', function () {
  this.timeout(300_000)

  before(function () {
    needsRoot(this)
    const tar = debianTar(SERVERS)
    host = hostNetwork()
    coracle = openCoracle()
    buildImages(tar)
  })
  after(() => coracle?.close())

  it('is reached through its published port, and talks by name behind it', async () => {
    output('network', 'create', 'shop')
    output('volume', 'create', 'visits')
    startStore()
    startApp()
    startProxy()
    await untilAnswers()
    const first = await visit()
    assert.equal(await visit(), first + 1)
    assert.equal(output('port', 'proxy', '80/tcp'), `127.0.0.1:${PORT}`)
    assert.match(output('logs', 'proxy'), /"GET \/ HTTP\/1\.1" 200/)
  })

  it('keeps counting where it was when its store is made anew at another address', async () => {
    const visits = await visit()
    const address = addressOf('db')
    output('stop', 'db')
    output(
      'run',
      '-d',
      '--name',
      'squatter',
      '--network',
      'shop',
      'shop/app',
      'python3',
      '-c',
      'import time; time.sleep(300)',
    )
    output('rm', 'db')
    startStore()
    assert.notEqual(addressOf('db'), address, 'the address was to be another one')
    await untilAnswers()
    assert.ok((await visit()) > visits)
    output('rm', '-f', 'squatter')
  })

  it('comes back after a restart of each of its parts', async () => {
    const visits = await visit()
    output('restart', 'app')
    output('restart', 'proxy')
    await untilAnswers()
    assert.ok((await visit()) > visits)
  })

  it('answers no more when its proxy is stopped, and again when it is started', async () => {
    output('stop', 'proxy')
    assert.notEqual(fetchPage().status, 0)
    output('start', 'proxy')
    await untilAnswers()
  })

  it('runs its servers as the users that they change to', () => {
    assert.match(output('top', 'proxy'), /^(?:www-data|33) .*nginx: worker/m)
  })

  it('leaves the data when its containers go, and refuses to remove network and volume before', () => {
    assert.match(coracle.run(['volume', 'rm', 'visits']).stderr, /in use/)
    assert.match(coracle.run(['network', 'rm', 'shop']).stderr, /active endpoints/)
    output('rm', '-f', 'proxy', 'app', 'db')
    assert.match(output('volume', 'ls', '-q'), /^visits$/m)
    output('volume', 'rm', 'visits')
    output('network', 'rm', 'shop')
  })

  it('leaves nothing on the host: links, addresses, routes, rules and settings are what they were', async () => {
    assert.deepEqual(coracle.leftovers(), [])
    await until(
      'the host is as it was',
      () => hostNetwork() === host,
      () => difference(host, hostNetwork()),
    )
    assert.equal(hostNetwork(), host)
  })
})

function startStore(): void {
  output('run', '-d', '--name', 'db', '--network', 'shop', '-v', 'visits:/data', 'shop/store')
}

function startApp(): void {
  output('run', '-d', '--name', 'app', '--init', '--network', 'shop', 'shop/app')
}

function startProxy(): void {
  output('run', '-d', '--name', 'proxy', '--network', 'shop', '-p', `127.0.0.1:${PORT}:80`, 'shop/proxy')
}

/** One image for each server: files of ours put into a container of the packages, and that committed. */
function buildImages(tar: string): void {
  output('import', tar, 'shop/base')
  const images = {
    store: {
      command: ['redis-server', '--bind', '*', '--protected-mode', 'no', '--dir', '/data', '--appendonly', 'yes'],
      files: {},
    },
    app: { command: ['python3', '-u', '/srv/app.py'], files: { 'srv/app.py': APP } },
    proxy: { command: ['nginx'], files: { 'etc/nginx/nginx.conf': NGINX } },
  }
  for (const [name, { command, files }] of Object.entries(images)) {
    const tree = join(coracle.directory, name)
    for (const [path, content] of Object.entries({ ...SYSTEM, ...files })) {
      mkdirSync(join(tree, path, '..'), { recursive: true })
      writeFileSync(join(tree, path), content)
    }
    output('create', '--name', 'builder', '--network', 'none', 'shop/base', 'true')
    output('cp', `${tree}/.`, 'builder:/')
    output('commit', '--change', `CMD ${JSON.stringify(command)}`, 'builder', `shop/${name}`)
    output('rm', 'builder')
  }
}

function addressOf(name: string): string {
  return output('inspect', '--format', '{{(index .NetworkSettings.Networks "shop").IPAddress}}', name)
}

function fetchPage(): { readonly status: number | null; readonly body: string } {
  const { status, stdout } = spawnSync('curl', ['-sS', '--fail', '--max-time', '10', PAGE], { encoding: 'utf8' })
  return { status, body: stdout }
}

async function untilAnswers(): Promise<void> {
  await until('the application answers', () => fetchPage().status === 0, logs)
}

function logs(): string {
  const told = ['proxy', 'app', 'db'].map((name) => [name, coracle.run(['logs', '--tail', '10', name])] as const)
  return told.map(([name, { stdout, stderr }]) => `${name}:\n${stdout}${stderr}`).join('\n')
}

async function visit(): Promise<number> {
  const { status, body } = fetchPage()
  assert.equal(status, 0, logs())
  return Number(/^visit (\d+)$/m.exec(body)?.[1])
}
