/** Runs a component of the world `wasi:http/proxy`: a server that gives each request an instance of its own. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { ModuleUnsupported } from '../../errors.ts'
import type { Clocks } from '../../preview1/clocks.ts'
import type { Exports } from '../instantiate.ts'
import { toRaw } from './fields.ts'
import { IncomingRequest, type OutgoingResponse, ResponseOutparam } from './messages.ts'

/** A fresh one. */
export interface Instance {
  readonly exports: Exports
  /** What it has not given back is taken from it. */
  close(): void
}

export interface ServeOptions {
  readonly clocks: Clocks
  readonly ports: readonly number[]
  instantiate(): Promise<Instance>
  /** Tells people why a request failed. */
  onTrap(error: unknown): void
}

/** Instances at once: each has a memory of its own. Whoever comes then is told to come again. */
const MAX_INSTANCES = 128

/** Resolves when the server has been told to stop, by SIGTERM or SIGINT, and has answered what it had begun. */
export async function serve(options: ServeOptions): Promise<void> {
  const { ports, instantiate } = options
  let running = 0
  // One ahead: its making is none of the time that the next client waits.
  let next = instantiate()
  await next
  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    if (running >= MAX_INSTANCES) return void fail(response, 503)
    running += 1
    const instance = next
    next = instantiate()
    next.catch(() => {}) // told to whoever takes it
    let sent: OutgoingResponse | undefined
    const send = (answered: OutgoingResponse) => {
      sent = answered
      sendResponse(answered, response)
    }
    try {
      await handle((await instance).exports, { message, response, send, clocks: options.clocks })
    } catch (error) {
      options.onTrap(error)
    } finally {
      running -= 1
      instance.then(
        ({ close }) => close(),
        () => {}, // told above
      )
      if (!response.headersSent) fail(response, 500)
      // Nobody is left to go on with it.
      else if (sent?.content?.content.writableEnded === false) response.destroy()
    }
  }
  const servers: Server[] = []
  for (const port of ports) servers.push(await listen(port, answer))
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  await Promise.all(servers.map(stop))
}

async function listen(
  port: number,
  answer: (message: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Server> {
  const server = createServer((message, response) => void answer(message, response))
  try {
    server.listen(port, '0.0.0.0')
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPERM' || code === 'EACCES')
      throw new ModuleUnsupported(
        `the component serves HTTP and may not listen on port ${port}`,
        `publish it: -p ${port}`,
      )
    throw new ModuleUnsupported(`the component cannot listen on port ${port}: ${code}`)
  }
  return server
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await closed
}

interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  send(response: OutgoingResponse): void
  readonly clocks: Clocks
}

/** Resolves when the component's function has returned; the body of its answer may still be on its way. */
async function handle(exports: Exports, { message, response, send, clocks }: Exchange): Promise<void> {
  const handler = exports['incomingHandler']?.['handle']
  if (handler === undefined) throw new ModuleUnsupported('the component exports no wasi:http/incoming-handler')
  const outparam = new ResponseOutparam((result) => {
    if (result.tag === 'ok') send(result.val)
    else fail(response, result.val.tag === 'HTTP-request-denied' ? 403 : 502)
  })
  await handler(new IncomingRequest(clocks, message), outparam)
}

function sendResponse({ status, fields, content }: OutgoingResponse, response: ServerResponse): void {
  response.writeHead(status, toRaw(fields))
  if (content === undefined) return void response.end()
  response.flushHeaders()
  content.sendTrailersWith(response)
  // A body that was never finished ends the connection, so that nobody takes it for a whole one.
  pipeline(content.content, response, (error) => {
    if (error) response.destroy()
  })
}

function fail(response: ServerResponse, status: number): void {
  const headers = { 'content-type': 'text/plain', ...(status === 503 && { 'retry-after': '1' }) }
  response.writeHead(status, headers).end(`${status === 503 ? 'Service Unavailable' : 'Internal Server Error'}\n`)
}
