/** A TCP port for a server of a test. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  assert(address !== null && typeof address === 'object')
  return address.port
}
