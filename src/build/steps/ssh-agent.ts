/** `RUN --mount=type=ssh`: the user's agent, reached through a socket that the command may use and nobody else. */
import { chmodSync, chownSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { userIdMaps } from '../../linux/id-mappings.ts'
import type { Paths } from '../../paths.ts'
import { makeSecretDirectory } from '../scratch.ts'

export interface AgentRequest {
  /** The user's socket. */
  readonly agent: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** @param stack - closes it @returns the socket */
export async function openAgent(
  paths: Paths,
  { agent, mode, uid, gid }: AgentRequest,
  stack: AsyncDisposableStack,
): Promise<string> {
  const directory = stack.use(makeSecretDirectory(paths))
  const path = join(directory.path, 'agent')
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(agent)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      // One side that breaks off takes the other with it.
      socket.on('error', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  stack.defer(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  if (userIdMaps() === undefined) chownSync(path, uid, gid)
  chmodSync(path, mode)
  return path
}
