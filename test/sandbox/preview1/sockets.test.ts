/** Sockets that a module is given, with a server in C and clients that behave well and badly. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { before, describe, it } from 'mocha'
import { packageRoot } from '../../../src/package-root.ts'
import type { WasiJob } from '../../../src/sandbox/job.ts'
import { freePort } from '../../support/free-port.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { moduleFromC } from '../../support/wasm.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')

const peer = async (port: number): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

describe('the sockets of a module', () => {
  let server: Buffer
  before(async () => {
    server = await moduleFromC(readFileSync(join(packageRoot, 'test/support/wasi-server.c'), 'utf8'))
  })

  /** Resolves when it listens. */
  async function serve(...args: string[]) {
    const scratch = await scratchDirectory()
    const [image, path, port] = [join(scratch, 'image'), join(scratch, 'job.json'), await freePort()]
    mkdirSync(image)
    writeFileSync(join(image, 'app.wasm'), server)
    const job: WasiJob = { root: image, layers: [], args: ['/app.wasm', ...args], env: [], cwd: '/', listens: [port] }
    writeFileSync(path, JSON.stringify(job))
    const child = spawn(process.execPath, ['--no-warnings', RUNNER, path], { stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]).then(
      ([stdout, [status]]) => ({ stdout, status }),
    )
    const [first] = (await once(child.stderr, 'data')) as [Buffer]
    assert.equal(first.toString(), 'LISTEN_FDS=1\n')
    child.stderr.resume()
    return { port, ended, child }
  }

  it('serve many at once, and send back what each of them sent', async () => {
    const clients = 40
    const { port, ended } = await serve('echo', String(clients))
    const one = async (index: number) => {
      const sent = Buffer.alloc(100_000 + index, index)
      const socket = await peer(port)
      socket.end(sent)
      const chunks: Buffer[] = []
      for await (const chunk of socket) chunks.push(chunk as Buffer)
      assert(Buffer.concat(chunks).equals(sent))
    }
    await Promise.all(Array.from({ length: clients }, (_, index) => one(index)))
    assert.deepEqual(await ended, { status: 0, stdout: '' })
  })

  it('wait for a peer that takes its time, both ways, and lose nothing', async () => {
    const { port, ended } = await serve('count')
    const socket = await peer(port)
    const size = 3_000_000
    for (let left = size; left > 0; left -= 100_000)
      if (!socket.write(Buffer.alloc(100_000))) await once(socket, 'drain')
    socket.end()
    // Nothing is taken until all that fits on the way is there.
    for (let before = -1; before !== socket.bytesRead; ) {
      before = socket.bytesRead
      await new Promise(setImmediate)
    }
    let taken = 0
    for await (const chunk of socket) taken += (chunk as Buffer).length
    assert.equal(taken, size)
    assert.deepEqual(await ended, { status: 0, stdout: `${size}\n` })
  })

  it('outlive a peer that goes in the middle, and go on with the next one', async () => {
    const { port, ended } = await serve('outlive')
    const first = await peer(port)
    await once(first, 'data')
    first.resetAndDestroy()
    const second = await peer(port)
    second.write('GET / HTTP/1.1\r\n\r\n')
    assert.match(await text(second), /served$/)
    const { status, stdout } = await ended
    assert.equal(status, 0)
    assert.match(stdout, /^recv: (?:Connection reset by peer|end)\nsend: (?:Broken pipe|Connection reset by peer)\n$/)
  })

  it('look ahead, wait for all, keep from waiting, and close by halves', async () => {
    const { port, ended, child } = await serve('details')
    let said = ''
    while (said.length < 'accept: Resource temporarily unavailable\nready: '.length)
      said += String(((await once(child.stdout, 'data')) as [Buffer])[0])
    assert.equal(said, 'accept: Resource temporarily unavailable\nready: ')
    const socket = await peer(port)
    socket.write('abcd')
    await once(child.stdout, 'data') // it has looked
    socket.write('efgh')
    assert.equal(await text(socket), '')
    const { status, stdout } = await ended
    assert.equal(status, 0)
    assert.equal(
      stdout,
      `accept: Resource temporarily unavailable\nready: abcd abcdefgh\ntype: 6\nseek: Invalid seek\nshutdown: done
send: Broken pipe\nclose: done\nclosed: Bad file descriptor\n`,
    )
  })

  it('are none where a descriptor is something else, and refuse nonsense', async () => {
    const { ended } = await serve('nonsense')
    const ENOTSOCK = 57
    const [EBADF, EINVAL, ENOTCONN, ESPIPE, ENOTCAPABLE] = [8, 28, 53, 70, 76]
    const none = (error: number) => Array.from({ length: 4 }, () => error).join(' ')
    const { status, stdout } = await ended
    assert.equal(status, 0)
    assert.deepEqual(stdout.trim().split('\n'), [
      ...[0, 1].map((fd) => `${fd}: ${none(ENOTSOCK)}`),
      ...[4, 99].map((fd) => `${fd}: ${none(EBADF)}`),
      `3: ${ENOTCONN} ${ENOTCAPABLE} ${ENOTCAPABLE} ${EINVAL} ${ESPIPE}`,
    ])
  })

  it('say which port cannot be had', async () => {
    const busy = createServer().listen(0)
    await once(busy, 'listening')
    const address = busy.address()
    assert(address !== null && typeof address === 'object')
    const scratch = await scratchDirectory()
    writeFileSync(join(scratch, 'app.wasm'), server)
    const job: WasiJob = { root: scratch, layers: [], args: ['/app.wasm'], env: [], cwd: '/', listens: [address.port] }
    writeFileSync(join(scratch, 'job.json'), JSON.stringify(job))
    const child = spawn(process.execPath, ['--no-warnings', RUNNER, join(scratch, 'job.json')])
    const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')])
    busy.close()
    assert.deepEqual([status, stderr], [125, `coracle: the module cannot listen on port ${address.port}: EADDRINUSE\n`])
  })
})
