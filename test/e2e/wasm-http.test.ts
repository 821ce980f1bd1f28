/** Components that serve HTTP (`wasi:http/proxy`), behind published ports. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { componentFromC } from '../support/component.ts'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describe('a component that serves HTTP', function () {
  this.timeout(30_000)
  let coracle: Coracle
  let base: string

  const get = (path: string, init?: RequestInit) => fetch(base + path, init)

  before(async function () {
    needsRoot(this)
    coracle = openCoracle()
    const source = readFileSync(join(packageRoot, 'test/support/proxy.c'), 'utf8')
    writeFileSync(join(coracle.directory, 'proxy.wasm'), await componentFromC(source, 'proxy'))
    coracle.output('wasm', 'pack', '-q', 'proxy.wasm', '-t', 'proxy')
    coracle.output('run', '-d', '--name', 'web', '-p', '127.0.0.1::8080', 'proxy')
    base = `http://${coracle.output('port', 'web', '8080')}`
    const answers = () => spawnSync('curl', ['-s', '--max-time', '2', `${base}/x`], { encoding: 'utf8' }).stdout
    await until('the server answers', () => answers() === '/x fresh\n')
  })
  after(() => coracle?.close())

  it('answers with the status, headers and body that the component chooses, from a fresh instance each time', async () => {
    for (const path of ['/a?b=c', '/a?b=c']) {
      const response = await get(path, { headers: { 'X-Asked': 'why' } })
      assert.deepEqual([response.status, response.headers.get('x-name')], [200, 'value'])
      assert.equal(await response.text(), `why ${path} fresh\n`)
    }
    const missing = await get('/missing')
    assert.deepEqual([missing.status, await missing.text()], [404, '/missing fresh\n'])
    assert.match(coracle.output('logs', 'web'), /^(?:served\n)+served$/)
  })

  it('streams bodies both ways, of any size', async () => {
    const bytes = randomBytes(3 << 20)
    const echoed = Buffer.from(await (await get('/echo', { method: 'POST', body: bytes })).arrayBuffer())
    assert(echoed.equals(bytes))
    assert.equal((await (await get('/big')).arrayBuffer()).byteLength, 512 * 4096)
  })

  it('sends what there is while more is still to come', async () => {
    const { hostname, port } = new URL(base)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {}) // seen by what is missing
    let seen = ''
    socket.on('data', (chunk: Buffer) => {
      seen += chunk
    })
    socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 6\r\n\r\none')
    await until('the first part comes back', () => seen.includes('one'))
    socket.write('two')
    await until('the second too', () => seen.includes('two') && socket.destroyed)
  })

  it('sends trailers behind a body, and none where there are none', async () => {
    const trailersOf = async (path: string) => {
      const [response] = (await once(request(base + path, { agent: false }).end(), 'response')) as [IncomingMessage]
      const body = (await response.toArray()).join('')
      return [body, response.rawTrailers]
    }
    assert.deepEqual(await trailersOf('/with'), ['/with fresh\n', ['X-Sum', 'of all']])
    assert.deepEqual(await trailersOf('/a'), ['/a fresh\n', []])
  })

  it('serves others while one waits', async () => {
    const order: string[] = []
    const slow = get('/slow').then(async (response) => order.push(await response.text()))
    const quick = get('/quick').then(async (response) => order.push(await response.text()))
    await Promise.all([slow, quick])
    assert.deepEqual(order, ['/quick fresh\n', '/slow fresh\n'])
  })

  it('answers 500 for a trap, or for no answer at all, and lives on', async () => {
    for (const path of ['/trap', '/none', '/trap']) {
      const response = await get(path)
      assert.deepEqual([response.status, await response.text()], [500, 'Internal Server Error\n'])
    }
    assert.equal((await get('/after')).status, 200)
    const { stderr } = coracle.run(['logs', 'web'])
    assert.match(stderr, /^coracle: a request trapped: .*unreachable/m)
  })

  it('breaks the connection where the body is not whole', async () => {
    for (const path of ['/unfinished', '/late-trap'])
      await assert.rejects(async () => (await get(path)).text(), /terminated|closed|aborted/)
    assert.equal((await get('/after')).status, 200)
  })

  it('hears the path alone, also of a request in the form for proxies', () => {
    const ask = (path: string) =>
      spawnSync('curl', ['-s', '--max-time', '5', '--request-target', path, base], { encoding: 'utf8' }).stdout
    assert.equal(ask('http://other:1/x?y'), '/x?y fresh\n')
    assert.equal(ask('HTTP://other?y'), '/?y fresh\n')
  })

  it('survives clients that go away, and what is no HTTP', async () => {
    const { hostname, port } = new URL(base)
    const send = (bytes: string) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {}) // the server may be quicker
      socket.write(bytes)
      return socket
    }
    for (let count = 0; count < 20; count++) {
      const socket = send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc')
      await new Promise((resolve) => socket.once('data', resolve))
      socket.destroy()
    }
    const answerTo = async (bytes: string) => {
      let answer = ''
      const socket = send(bytes).on('data', (chunk: Buffer) => {
        answer += chunk
      })
      await new Promise((resolve) => socket.once('close', resolve))
      return answer
    }
    assert.match(await answerTo('\x16\x03\x01 no HTTP\r\n\r\n'), /^HTTP\/1\.1 400 /)
    assert.match(await answerTo(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 431 /)
    assert.equal((await get('/after')).status, 200)
  })

  it('ends what it has begun when it is stopped', async () => {
    const slow = get('/slow')
    await get('/x') // the connection of the first is there as well by then
    coracle.output('stop', '-t', '10', 'web')
    assert.equal(await (await slow).text(), '/slow fresh\n')
    assert.equal(coracle.output('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'web'), 'exited 0')
  })
})
