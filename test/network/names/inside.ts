/**
 * Runs in the network namespace of a container, by nsenter: does what its lines on stdin say, one JSON value each, and says the
 * outcome as a line. Asking with Node's own resolver, sending what no resolver would, connecting.
 */

import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

export type Errand =
  | { readonly do: 'resolve'; readonly name: string; readonly type: string; readonly server?: string }
  | { readonly do: 'reverse'; readonly address: string }
  /** Packets in base64; waits for as many replies, `waitMs` at most. */
  | {
      readonly do: 'udp'
      readonly packets: readonly string[]
      readonly waitMs: number
      readonly host?: string
      readonly port?: number
    }
  /** Bytes in base64 over one connection; reads until it has been closed or so many bytes have come. */
  | {
      readonly do: 'tcp'
      readonly data: string
      readonly bytes: number
      readonly host?: string
      readonly port?: number
    }
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
      return { data: await stream(errand) }
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

async function exchange({ packets, waitMs, host = '127.0.0.11', port = 53 }: Extract<Errand, { do: 'udp' }>) {
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
      if (packets.length === 0) resolve()
      socket.on('message', (reply: Buffer) => {
        if (replies.push(reply.toString('base64')) === packets.length) resolve()
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

async function stream({ data, bytes, host = '127.0.0.11', port = 53 }: Extract<Errand, { do: 'tcp' }>) {
  const socket = connect(port, host)
  const chunks: Buffer[] = []
  let size = 0
  await once(socket, 'connect')
  socket.write(Buffer.from(data, 'base64'))
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size >= bytes) break
  }
  socket.destroy()
  return Buffer.concat(chunks).toString('base64')
}

for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await run(JSON.parse(line) as Errand).catch((error: NodeJS.ErrnoException) => ({
    error: error.code ?? error.message,
  }))
  console.log(JSON.stringify(outcome))
}
process.exit(0) // whatever is still open
