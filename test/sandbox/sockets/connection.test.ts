import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'mocha'
import { type Connection, openConnection } from '../../../src/sandbox/sockets/connection.ts'

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
})

/** Until the kernel takes no more, and neither do we. */
function fill(connection: Connection): void {
  const bytes = new Uint8Array(65_536)
  while (connection.send(bytes) !== 'EAGAIN');
}
