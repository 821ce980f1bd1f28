/**
 * Runs in the network namespace of a container, by nsenter: does what its lines on stdin say, one JSON value each, and says the
 * outcome as a line. Asking with Node's own resolver, sending what no resolver would, connecting.
 */

import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

export type Errand =
  | { readonly do: 'resolve'; readonly name: string; readonly type: string; readonly server?: string }
  | { readonly do: 'reverse'; readonly address: string }
  /** Packets in base64; waits for as many replies, or `replies` of them, `waitMs` at most. */
  | {
      readonly do: 'udp'
      readonly packets: readonly string[]
      readonly waitMs: number
      readonly replies?: number
      readonly host?: string
      readonly port?: number
    }
  /** Bytes in base64 over one connection to the responder; reads so many messages. */
  | { readonly do: 'tcp'; readonly data: string; readonly messages: number }
  /** Bytes in base64 to the responder by TCP, and no more. */
  | { readonly do: 'send'; readonly data: string }
  /** Connections to the responder that say nothing. */
  | { readonly do: 'hold'; readonly connections: number }
  | { readonly do: 'run'; readonly argv: readonly [string, ...string[]] }
  /** By UDP, on all addresses. */
  | { readonly do: 'listen'; readonly port: number }
  /** Connects, and stays so: `say` and what comes back is what `keep` does to it later. */
  | { readonly do: 'connect'; readonly host: string; readonly port: number }
  | { readonly do: 'say'; readonly text: string }

type Outcome = Record<string, unknown>

const resolver = new Resolver({ timeout: 9000, tries: 1 })
let kept: ReturnType<typeof connect> | undefined

async function run(errand: Errand): Promise<Outcome> {
  switch (errand.do) {
    case 'resolve': {
      const mine = errand.server === undefined ? resolver : new Resolver({ timeout: 2000, tries: 1 })
      mine.setServers([errand.server ?? '127.0.0.11'])
      return { found: await mine.resolve(errand.name, errand.type) }
    }
    case 'reverse':
      resolver.setServers(['127.0.0.11'])
      return { found: await resolver.reverse(errand.address) }
    case 'udp':
      return { packets: await exchange(errand) }
    case 'tcp':
      return { replies: await stream(errand) }
    case 'send': {
      const socket = connect(53, '127.0.0.11')
      socket.on('error', () => {}) // it may be hung up on
      socket.resume().end(Buffer.from(errand.data, 'base64'))
      await once(socket, 'close')
      return {}
    }
    case 'hold': {
      const held = Array.from({ length: errand.connections }, () => connect(53, '127.0.0.11'))
      for (const socket of held) socket.on('error', () => {}) // those that the other side has had enough of
      await Promise.all(held.map((socket) => once(socket, 'connect')))
      return { held: held.length }
    }
    case 'run': {
      const [program, ...words] = errand.argv
      const { stdout, stderr, status } = spawnSync(program, words, { encoding: 'utf8', timeout: 20_000 })
      return { output: stdout, complaint: stderr, status }
    }
    case 'listen': {
      const socket = createSocket('udp4')
      const listening = once(socket, 'listening')
      socket.bind(errand.port, '0.0.0.0')
      await listening
      return { listening: true }
    }
    case 'connect':
      kept?.destroy()
      kept = connect(errand.port, errand.host)
      kept.on('error', () => {}) // heard of where it is waited for
      await once(kept, 'connect')
      return { connected: true }
    case 'say': {
      if (kept === undefined) throw new Error('there is no connection')
      kept.write(errand.text)
      const [chunk] = (await once(kept, 'data')) as [Buffer]
      return { said: chunk.toString() }
    }
  }
}

async function exchange({
  packets,
  replies: enough = packets.length,
  waitMs,
  host = '127.0.0.11',
  port = 53,
}: Extract<Errand, { do: 'udp' }>) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const replies: string[] = []
  const failed = new Promise<never>((_, reject) => {
    socket.on('error', reject)
  })
  failed.catch(() => {}) // heard of below
  socket.connect(port, host)
  await Promise.race([once(socket, 'connect'), failed])
  try {
    const all = new Promise<void>((resolve) => {
      if (enough === 0) resolve()
      socket.on('message', (reply: Buffer) => {
        if (replies.push(reply.toString('base64')) >= enough) resolve()
      })
      setTimeout(resolve, waitMs)
    })
    for (const packet of packets) socket.send(Buffer.from(packet, 'base64'))
    await Promise.race([all, failed])
  } finally {
    socket.close()
  }
  return replies
}

async function stream({ data, messages }: Extract<Errand, { do: 'tcp' }>): Promise<readonly string[]> {
  const socket = connect(53, '127.0.0.11')
  const replies: string[] = []
  let read = Buffer.alloc(0)
  await once(socket, 'connect')
  socket.write(Buffer.from(data, 'base64'))
  for await (const chunk of socket) {
    read = Buffer.concat([read, chunk as Buffer])
    for (; read.length >= 2 && read.length >= 2 + read.readUInt16BE(0); read = read.subarray(2 + read.readUInt16BE(0)))
      replies.push(read.toString('base64', 2, 2 + read.readUInt16BE(0)))
    if (replies.length >= messages) break
  }
  socket.destroy()
  return replies
}

for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await run(JSON.parse(line) as Errand).catch((error: NodeJS.ErrnoException) => ({
    error: error.code ?? error.message,
  }))
  console.log(JSON.stringify(outcome))
}
process.exit(0) // whatever is still open
