/** A resolver on loopback that answers by a table, over UDP and TCP: what the host's own one is to a responder. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach } from 'mocha'
import { encodeName, readQuestion } from './packets.ts'

export interface Answer {
  /** A, AAAA or CNAME records, of the asked name unless they say otherwise. */
  readonly records?: readonly Resource[]
  readonly rcode?: number
  /** By UDP only: nothing but the flag that sends the asker to TCP. */
  readonly truncated?: boolean
  /** Never answers. */
  readonly silent?: boolean
  /** Sends these before the answer, as somebody would who tries to be faster. */
  readonly forged?: (query: Buffer) => readonly Buffer[]
}

export interface Resource {
  readonly name?: string
  readonly type: number
  readonly data: Buffer
  readonly ttl?: number
}

/** @param from - the packet itself, and the port it came from */
export type Table = (name: string, type: number, from: { query: Buffer; port: number }) => Answer | undefined

export interface Upstream {
  readonly address: string
  /** Names asked for, in order, with `udp` or `tcp`. */
  readonly asked: readonly string[]
  close(): void
}

const open: Upstream[] = []

afterEach(() => {
  for (const upstream of open.splice(0)) upstream.close()
})

/** Ends with the test. Names that the table does not have do not exist. */
export async function startUpstream(table: Table): Promise<Upstream> {
  const asked: string[] = []
  const server = createServer((connection) => serve(connection, asked, table))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = createSocket('udp4')
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const { name, type } = readQuestion(query)
    asked.push(`udp ${name}`)
    const found = table(name, type, { query, port: from.port })
    const answer = found?.truncated === true ? { truncated: true } : found
    for (const packet of answer?.forged?.(query) ?? []) socket.send(packet, from.port, from.address)
    if (answer?.silent !== true) socket.send(respond(query, answer), from.port, from.address)
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  const close = () => {
    server.close()
    socket.close()
  }
  const upstream = { address: `127.0.0.1:${port}`, asked, close }
  open.push(upstream)
  return upstream
}

function serve(connection: Socket, asked: string[], table: Table): void {
  let read = Buffer.alloc(0)
  connection.on('error', () => {}) // an asker may hang up whenever it likes
  connection.on('data', (chunk: Buffer) => {
    read = Buffer.concat([read, chunk])
    while (read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
      const query = read.subarray(2, 2 + read.readUInt16BE(0))
      read = read.subarray(2 + query.length)
      const { name, type } = readQuestion(query)
      asked.push(`tcp ${name}`)
      const { truncated: _, ...answer } = table(name, type, { query, port: connection.remotePort ?? 0 }) ?? { rcode: 3 }
      const packet = respond(query, answer)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(packet.length)
      connection.write(Buffer.concat([length, packet]))
    }
  })
}

export function respond(query: Buffer, answer: Answer = { rcode: 3 }): Buffer {
  const { end, name } = readQuestion(query)
  const { records = [], rcode = 0, truncated = false } = answer
  const header = Buffer.from(query.subarray(0, 12))
  header.writeUInt16BE(0x8180 | rcode | (truncated ? 0x200 : 0), 2)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt16BE(0, 10)
  const bodies = records.map(({ name: owner = name, type, data, ttl = 60 }) => {
    const fixed = Buffer.alloc(10)
    fixed.writeUInt16BE(type, 0)
    fixed.writeUInt16BE(1, 2)
    fixed.writeUInt32BE(ttl, 4)
    fixed.writeUInt16BE(data.length, 8)
    return Buffer.concat([encodeName(owner), fixed, data])
  })
  return Buffer.concat([header, query.subarray(12, end), ...bodies])
}
