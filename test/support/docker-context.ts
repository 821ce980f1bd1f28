/** What docker's client sends as context: it posts it to whoever listens, so no daemon is needed to see it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Context } from 'mocha'

export function needsDockerClient(context: Context): void {
  if (spawnSync('docker', ['--version']).status === 0) return
  console.log("skipped: this needs docker's client (Debian: docker.io)")
  context.skip()
}

/**
 * Names in the tar that `docker build` makes of a directory with a Dockerfile, sorted, directories without their slash.
 *
 * @param scratch - where the socket can be
 */
export async function sentContext(directory: string, scratch: string): Promise<readonly string[]> {
  const socket = join(scratch, 'docker.sock')
  let received: Promise<Buffer> | undefined
  const server = createServer((request, response) => {
    if (request.url?.includes('/build') === true) received = buffer(request)
    void answer(request, response, received)
  })
  await listen(server, socket)
  const client = spawn('docker', ['-H', `unix://${socket}`, 'build', '.'], {
    cwd: directory,
    env: { ...process.env, DOCKER_BUILDKIT: '0', DOCKER_CONFIG: scratch },
    stdio: 'ignore',
  })
  await once(client, 'exit')
  server.close()
  const tar = spawnSync('tar', ['-t', '--quoting-style=literal'], { input: await received, encoding: 'utf8' })
  const names = tar.stdout.split('\n').map((name) => name.replace(/\/$/, ''))
  return names.filter((name) => name !== '').sort()
}

async function listen(server: Server, socket: string): Promise<void> {
  server.listen(socket)
  await once(server, 'listening')
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  received: Promise<Buffer> | undefined,
): Promise<void> {
  await received
  response.setHeader('Api-Version', '1.41')
  response.setHeader('Ostype', 'linux')
  response.setHeader('Content-Type', 'application/json')
  response.end(request.url?.includes('/build') === true ? '{"stream":"Successfully built 0\\n"}\n' : '{}')
}
