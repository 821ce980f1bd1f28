/** A real registry (Debian's docker-registry) on loopback, and what it was asked for. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, afterEach } from 'mocha'
import { scratchDirectory } from './scratch.ts'

export interface TestRegistry {
  /** `127.0.0.1:PORT` of the way that counts */
  readonly host: string
  /** The registry itself, for whoever blocks this process while he talks to it. */
  readonly directHost: string
  /** `GET /v2/…` lines so far */
  readonly requests: string[]
  /** Called before a request is passed on; may answer it, or slow it down. */
  hook: ((line: string) => Promise<void> | void) | undefined
  /** At most so many bytes of a blob are sent, then the connection breaks; undefined means all. */
  cutAfterBytes: number | undefined
  /** The same, but the connection stays open and silent. */
  stallAfterBytes: number | undefined
  /** Resolves when a blob has stalled. */
  stalled(): Promise<void>
  /** Bytes of blobs that went out. */
  sentBytes: number
  /** Where the registry keeps its files, for tests that damage them. */
  readonly dataPath: string
}

const open: (() => Promise<void>)[] = []

/** Starts one for the current test. */
export async function startTestRegistry(): Promise<TestRegistry> {
  const directory = await scratchDirectory('coracle-registry-')
  const port = await freePort()
  const config = join(directory, 'config.yml')
  await writeFile(
    config,
    `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${directory}/data }, delete: { enabled: true } }
http: { addr: 127.0.0.1:${port} }
`,
  )
  const server = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
  open.push(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  })
  await untilAnswering(port)
  const proxy = await openProxy(port, join(directory, 'data'))
  open.push(proxy.close)
  return proxy.registry
}

async function openProxy(
  target: number,
  dataPath: string,
): Promise<{ registry: TestRegistry; close: () => Promise<void> }> {
  const stalled = Promise.withResolvers<void>()
  const registry: TestRegistry = {
    host: '',
    directHost: `127.0.0.1:${target}`,
    dataPath,
    requests: [],
    hook: undefined,
    cutAfterBytes: undefined,
    stallAfterBytes: undefined,
    stalled: () => stalled.promise,
    sentBytes: 0,
  }
  const server = createServer(async (incoming, outgoing) => {
    const line = `${incoming.method} ${incoming.url}`
    registry.requests.push(line)
    await registry.hook?.(line)
    const onward = request({
      port: target,
      host: '127.0.0.1',
      path: incoming.url,
      method: incoming.method,
      headers: incoming.headers,
    })
    onward.on('error', () => outgoing.destroy())
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      if (!(incoming.method === 'GET' && line.includes('/blobs/sha256'))) {
        answer.pipe(outgoing)
        return
      }
      const limit = registry.cutAfterBytes ?? registry.stallAfterBytes ?? Number.POSITIVE_INFINITY
      let sent = 0
      answer.on('data', (chunk: Buffer) => {
        const part = chunk.subarray(0, Math.max(limit - sent, 0))
        sent += part.length
        registry.sentBytes += part.length
        outgoing.write(part, () => {
          if (sent < limit) return
          if (registry.cutAfterBytes === undefined) stalled.resolve()
          else outgoing.destroy()
        })
      })
      answer.on('end', () => sent < limit && outgoing.end())
    })
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  Object.assign(registry, { host: `127.0.0.1:${(server.address() as AddressInfo).port}` })
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { registry, close }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function untilAnswering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/v2/`)).text()
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50)) // not listening yet
    }
  }
  throw new Error('docker-registry did not start')
}

async function closeAll(): Promise<void> {
  for (const close of open.splice(0).toReversed()) await close()
}

afterEach(closeAll)
after(closeAll)
