/** `udp-server.ts ADDRESS PORT [dns]`: answers what it gets with who asked, or as a name server that knows one address for all names. */
import { createSocket } from 'node:dgram'

const [address = '', port = '', kind] = process.argv.slice(2)
const socket = createSocket('udp4')
socket.on('message', (message, from) =>
  socket.send(kind === 'dns' ? answer(message) : message, from.port, from.address),
)
socket.bind(Number(port), address, () => console.log('ready'))

/** The question again, and 203.0.113.9 for it where that is an address; nothing for the rest. */
function answer(question: Buffer): Buffer {
  const end = question.indexOf(0, 12) + 5
  const isA = question.readUInt16BE(end - 4) === 1
  const header = Buffer.from(question.subarray(0, 12))
  header.writeUInt16BE(0x8180, 2)
  header.writeUInt16BE(isA ? 1 : 0, 6)
  header.writeUInt32BE(0, 8)
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 9])
  return Buffer.concat([header, question.subarray(12, end), ...(isA ? [record] : [])])
}
