/** `wasi:sockets` of components in containers: what they reach is what the container may, and no more. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { componentFromC } from '../support/component.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describe('components with sockets', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let address: string

  before(async function () {
    needsRoot(this)
    coracle = openCoracle()
    const source = readFileSync(join(packageRoot, 'test/support/sockets.c'), 'utf8')
    writeFileSync(join(coracle.directory, 'sockets.wasm'), await componentFromC(source))
    coracle.output('network', 'create', 'inner')
    coracle.output('run', '-d', '--name', 'web', '--network', 'inner', './sockets.wasm', ...served('serve9/0.0.0.0:80'))
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
    address = coracle.output('inspect', '--format', format, 'web')
    await until('it listens', () => coracle.output('logs', 'web').includes('port 80'))
  })
  after(() => coracle?.close())

  /** Twice, so that there are enough of them for all tests. */
  const served = (word: string) => [word, word]

  /** What comes of each attempt, the last word of it. */
  const attempts = (flags: readonly string[], words: readonly string[]) => {
    const parts = coracle.output('run', '--rm', ...flags, './sockets.wasm', ...words).split(/^(?=\w+\/)/m)
    return parts.map((part) => part.trim().split(/\s/).at(-1))
  }
  const inner = ['--network', 'inner']

  it('find others by name and speak to them, as any container does', () => {
    const words = ['name/web', `tcp/${address}:80`, `tcp/${address}:81`, 'name/nobody']
    assert.deepEqual(attempts(inner, words), [address, 'end', 'connection-refused', 'name-unresolvable'])
  })

  it('reach with --allow-net what it names, and learn of nothing else', () => {
    const outside = ['tcp/192.0.2.1:80', 'udp/192.0.2.1:53', 'name/other.example']
    const words = ['name/web', `tcp/${address}:80`, `tcp/${address}:81`, `udp/${address}:80`, ...outside]
    const refused = ['connection-refused', 'access-denied', 'connection-refused', 'access-denied', 'name-unresolvable']
    assert.deepEqual(attempts([...inner, '--allow-net=web:80/tcp'], words), [address, 'end', ...refused])
    // The address alone is nobody: it is open once the name has been asked for.
    assert.deepEqual(attempts([...inner, '--allow-net=web:80'], [`tcp/${address}:80`]), ['connection-refused'])
    assert.deepEqual(attempts([...inner, '--allow-net=other:80'], ['name/web']), ['name-unresolvable'])
  })

  it('reach with --deny-net everything else', () => {
    const words = [`tcp/${address}:80`, `udp/${address}:80`, `peer/${address}:80`]
    const denied = attempts([...inner, `--deny-net=${address}`], words)
    assert.deepEqual(denied, ['connection-refused', 'access-denied', 'access-denied'])
    assert.deepEqual(attempts([...inner, `--deny-net=${address}:81`], [`tcp/${address}:80`]), ['end'])
    // Whatever an allowed name is said to stand for.
    const rebound = attempts([...inner, '--allow-net=web', `--deny-net=${address}`], ['name/web', `tcp/${address}:80`])
    assert.deepEqual(rebound, [address, 'connection-refused'])
    assert.deepEqual(attempts([...inner, '--deny-net'], ['name/web', `tcp/${address}:80`]), [
      'name-unresolvable',
      'connection-refused',
    ])
  })

  it('have no network unless it is granted, and never the loopback of the host', () => {
    const words = ['tcp/127.0.0.1:80', 'udp/127.0.0.1:80', 'name/localhost']
    assert.deepEqual(attempts([], words), Array(3).fill('access-denied'))
    const loopback = coracle.output('run', '-d', '--network', 'host', IMAGE, 'httpd', '-f', '-p', '127.0.0.1:18231')
    const open = ['tcp/127.0.0.1:18231', 'tcp/0:0:0:0:0:0:0:1:18231']
    assert.deepEqual(attempts(['--allow-net'], open), ['connection-refused', 'connection-refused'])
    coracle.output('rm', '-f', loopback)
  })

  it('serve on published ports', async () => {
    coracle.output('run', '-d', '--name', 'srv', '-p', '127.0.0.1::8080', './sockets.wasm', 'serve/0.0.0.0:8080')
    await until('it listens', () => coracle.output('logs', 'srv').includes('port 8080'))
    const socket = connect(Number(coracle.output('port', 'srv', '8080').split(':').at(-1)), '127.0.0.1')
    socket.end(Buffer.alloc(200_000, 'x'))
    assert.equal((await text(socket)).length, 200_000)
    assert.equal(coracle.output('wait', 'srv'), '0')
  })
})
