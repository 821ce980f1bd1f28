/** `wasi:sockets` as a component has it, against real sockets on loopback. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, before, describe, it } from 'mocha'
import { packageRoot } from '../../../../src/package-root.ts'
import type { WasiJob } from '../../../../src/sandbox/job.ts'
import { componentFromC } from '../../../support/component.ts'
import { freePort } from '../../../support/free-port.ts'
import { scratchDirectory } from '../../../support/scratch.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')
const closing: (() => void)[] = []

describe('the sockets of a component', function () {
  this.timeout(20_000)
  let program: Buffer
  const source = readFileSync(join(packageRoot, 'test/support/sockets.c'), 'utf8')
  before(async () => {
    program = await componentFromC(source)
  })
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function start(words: readonly string[], job: Partial<WasiJob> = {}, bytes = program) {
    const scratch = await scratchDirectory()
    const [image, path] = [join(scratch, 'image'), join(scratch, 'job.json')]
    mkdirSync(image)
    writeFileSync(join(image, 'app.wasm'), bytes)
    const given: WasiJob = {
      root: image,
      layers: [],
      args: ['/app.wasm', ...words],
      env: [],
      cwd: '/',
      network: true,
      ...job,
    }
    writeFileSync(path, JSON.stringify(given))
    return spawn(process.execPath, ['--no-warnings', RUNNER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  /** What it says to each word, in order. */
  async function run(words: readonly string[], job?: Partial<WasiJob>, bytes?: Buffer): Promise<string[]> {
    const said = await text((await start(words, job, bytes)).stdout)
    const parts = said.split(/^(?=\w+\/)/m).map((part) => part.slice(part.indexOf(' ') + 1).trim())
    assert.equal(parts.length, words.length, said)
    return parts
  }

  async function tcpServer(answer: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, answer).listen(0, host)
    await once(server, 'listening')
    closing.push(() => server.close())
    return (server.address() as AddressInfo).port
  }

  async function udpEcho(): Promise<number> {
    const socket = createSocket('udp4')
    socket.on('message', (bytes, { address, port }) => socket.send(`got ${bytes}`, port, address)).bind(0, '127.0.0.1')
    await once(socket, 'listening')
    closing.push(() => socket.close())
    return socket.address().port
  }

  const echo = (socket: Socket) => socket.on('error', () => {}).pipe(socket)

  it('connect, send, and hear until the other side ends', async () => {
    const port = await tcpServer(echo)
    assert.deepEqual(await run([`tcp/127.0.0.1:${port}`, `tcp/127.0.0.1:${port}`]), ['ping\nend', 'ping\nend'])
  })

  it('say why a connection was not made', async () => {
    const nobody = await freePort()
    assert.deepEqual(await run([`tcp/127.0.0.1:${nobody}`]), ['connection-refused'])
  })

  it('exchange datagrams with anybody, or one peer, who may not be there', async () => {
    const port = await udpEcho()
    const nobody = await freePort()
    const words = [`udp/127.0.0.1:${port}`, `peer/127.0.0.1:${port}`, `peer/127.0.0.1:${nobody}`]
    assert.deepEqual(await run(words), ['got ping', 'got ping', 'connection-refused'])
  })

  it('listen on a port that they choose, and give back megabytes as they come', async () => {
    const child = await start(['serve9/127.0.0.1:0'])
    let said = ''
    while (!/port \d+\n/.test(said)) said += String(((await once(child.stdout, 'data')) as [Buffer])[0])
    const port = Number(/port (\d+)/.exec(said)?.[1])
    const exchange = async (size: number) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      const sent = Buffer.alloc(size, size)
      socket.end(sent)
      const parts: Buffer[] = []
      for await (const part of socket) parts.push(part as Buffer)
      assert(Buffer.concat(parts).equals(sent))
    }
    const sizes = [0, 1, 2_000_000, 5, 300_000, 77, 1_000_000, 9]
    const [last] = await Promise.all([text(child.stdout), ...[...sizes, 12].map(exchange)])
    assert.equal(last.trim(), 'served')
  })

  it('cannot listen where somebody does, or on an address that is not there', async () => {
    const port = await tcpServer(echo)
    const words = [`serve/127.0.0.1:${port}`, 'serve/192.0.2.1:0', 'serve/224.0.0.1:0']
    assert.deepEqual(await run(words), ['address-in-use', 'address-not-bindable', 'invalid-argument'])
  })

  it('have names for addresses as they are, and of names what the resolver says', async () => {
    const words = ['name/127.0.0.1', 'name/localhost', 'name/::1', 'name/nobody.invalid']
    assert.deepEqual(await run(words), ['127.0.0.1', '127.0.0.1', '0:0:0:0:0:0:0:1', 'name-unresolvable'])
  })

  it('refuse an attack by another way to write an address', async () => {
    const port = await tcpServer(echo)
    const addresses = ['0:0:0:0:0:ffff:7f00:1', '0:0:0:0:0:0:7f00:1', '0.0.0.0', '0:0:0:0:0:0:0:0', '255.255.255.255']
    const words = [
      ...addresses.map((address) => `tcp/${address}:${port}`),
      ...addresses.slice(0, 4).map((address) => `udp/${address}:${port}`),
      'tcp/127.0.0.1:0',
      ...['0x7f.1', '127.1', '2130706433', '::ffff:127.0.0.1', 'a b', 'a\nb', '127.0.0.1:80', 'x'.repeat(254)].map(
        (name) => `name/${name}`,
      ),
    ]
    const answers = await run(words)
    assert.deepEqual(
      answers.map((answer) => answer.split('\n').at(-1)?.split(' ').at(-1)),
      words.map(() => 'invalid-argument'),
    )
  })

  it('come to an end: thousands of them are refused, and the component goes on', async () => {
    const [crowd = '', after] = await run(['crowd/', 'name/127.0.0.1'])
    const [, count, error] = /^(\d+) (\S+)$/.exec(crowd) ?? []
    assert(Number(count) > 500 && Number(count) <= 2048, crowd)
    assert.equal(error, 'new-socket-limit')
    assert.equal(after, '127.0.0.1')
  })

  it('are none without a network', async () => {
    const words = ['tcp/127.0.0.1:80', 'udp/127.0.0.1:80', 'name/localhost', 'name/127.0.0.1']
    assert.deepEqual(await run(words, { network: false }), Array(4).fill('access-denied'))
  })

  it('are waited for by one that speaks HTTP as well, whose calls are suspended', async () => {
    const [tcp, udp, nobody] = [await tcpServer(echo), await udpEcho(), await freePort()]
    const both = await componentFromC(`#define CLIENT\n${source}`, 'client')
    const words = [`tcp/127.0.0.1:${tcp}`, `udp/127.0.0.1:${udp}`, `tcp/127.0.0.1:${nobody}`, 'name/localhost']
    const answers = ['ping\nend', 'got ping', 'connection-refused', '127.0.0.1']
    assert.deepEqual(await run(words, {}, both), answers)
  })

  it('work beside clocks that do not go on by themselves', async () => {
    const port = await tcpServer(echo)
    assert.deepEqual(await run([`tcp/127.0.0.1:${port}`], { clock: '1000000000' }), ['ping\nend'])
  })
})
