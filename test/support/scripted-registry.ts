/** A registry that answers exactly what a test tells it to, for what a real one does only on a bad day. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface ScriptedRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** What was asked, in order: `GET /v2/a/b`. */
  readonly asked: string[]
  readonly headers: IncomingMessage['headers'][]
}

export async function openScriptedRegistry(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<ScriptedRegistry> {
  const asked: string[] = []
  const headers: IncomingMessage['headers'][] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    request.resume()
    answer(request, response, asked.length)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return {
    host: `127.0.0.1:${address.port}`,
    asked,
    headers,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
