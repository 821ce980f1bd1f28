import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'mocha'
import { type Connection, openConnection } from '../../../src/sandbox/sockets/connection.ts'

/** Listens on the port that it tells, and then does nothing for a minute. */
const DEAF = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000)
  process.exit()
})`

describe('a connection that is closed', () => {
  it('does not wait for ever for a peer that takes nothing and never stops to send', async () => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const peer = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
    const [socket] = (await once(server, 'connection')) as [Socket]
    const connection = openConnection(socket)
    fill(connection)
    // More often than any patience for somebody who is silent.
    const sending = setInterval(() => peer.write('still here'), 5)
    peer.on('error', () => {})
    connection.close(200)
    await connection.closed()
    clearInterval(sending)
    peer.destroy()
    server.close()
    assert(socket.destroyed)
  })

  it('does not wait for an answer to a connection that is still being made, and on which nothing was sent', async () => {
    const deaf = spawn(process.execPath, ['-e', DEAF], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [port] = await once(deaf.stdout, 'data')
    // The first few wait for it to accept them, those after them for the kernel to answer.
    const sockets = Array.from({ length: 6 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}))
    const [first, last] = [sockets[0], sockets.at(-1)]
    assert(first !== undefined && last !== undefined)
    if (first.connecting) await once(first, 'connect')
    assert(last.connecting)
    const connection = openConnection(last)
    connection.close()
    try {
      await connection.closed()
    } finally {
      for (const socket of sockets) socket.destroy()
      deaf.kill('SIGKILL')
    }
  })
})

/** Until the kernel takes no more, and neither do we. */
function fill(connection: Connection): void {
  const bytes = new Uint8Array(65_536)
  while (connection.send(bytes) !== 'EAGAIN');
}
