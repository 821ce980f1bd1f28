/** A network behind a container's: echoes by TCP and UDP on all its addresses. Runs in a network namespace of its own. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

for (const port of [53, 80, 443]) {
  const server = createServer((connection) => {
    connection.on('error', () => {}) // askers hang up as they like
    connection.pipe(connection)
  })
  server.listen(port, '::')
  const socket = createSocket('udp6')
  socket.on('message', (packet: Buffer, from) => socket.send(packet, from.port, from.address))
  socket.bind(port, '::')
  await Promise.all([once(server, 'listening'), once(socket, 'listening')])
}
console.log('READY')
