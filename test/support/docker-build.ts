/** Debian's docker as the one to agree with: its daemon has BuildKit inside, and builds a context that is sent to it. */
import { once } from 'node:events'
import { request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { startDockerDaemon } from './docker-daemon.ts'
import { keptDirectory } from './scratch.ts'
import { file, tarOf } from './tar.ts'

export interface DockerBuilder extends AsyncDisposable {
  /** The image, or what docker says is wrong. */
  build(dockerfile: string, buildArgs?: Readonly<Record<string, string>>): Promise<DockerBuild>
}

export type DockerBuild = DockerImage | { readonly error: string }

/** As `docker inspect` and `docker history` show it. */
export interface DockerImage {
  readonly config: Readonly<Record<string, unknown>>
  /** `CreatedBy`, the first instruction first. */
  readonly history: readonly string[]
}

/** A daemon of its own, without networks. */
export async function startDockerBuilder(): Promise<DockerBuilder> {
  const scratch = await keptDirectory('coracle-docker-')
  const daemon = await startDockerDaemon(scratch)
  return {
    build: (dockerfile, buildArgs = {}) => buildAt(daemon.socketPath, dockerfile, buildArgs),
    [Symbol.asyncDispose]: () => daemon.stop(),
  }
}

/** One build by the daemon that listens there. */
export async function buildAt(
  socketPath: string,
  dockerfile: string,
  buildArgs: Readonly<Record<string, string>>,
): Promise<DockerBuild> {
  const query = new URLSearchParams({ version: '2', buildargs: JSON.stringify(buildArgs) })
  const context = tarOf([file('Dockerfile', dockerfile), file('file', 'content')])
  const answer = await ask(socketPath, { method: 'POST', path: `/v1.41/build?${query}`, body: context })
  const messages = answer
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { id?: string; aux?: { ID?: string }; error?: string; message?: string })
  const error = messages.map((message) => message.error ?? message.message).find((message) => message !== undefined)
  const id = messages.find((message) => message.id === 'moby.image.id')?.aux?.ID
  if (id === undefined) return { error: error ?? answer }
  const image = JSON.parse(await ask(socketPath, { path: `/v1.41/images/${id}/json` })) as {
    Config: DockerImage['config']
  }
  const history = JSON.parse(await ask(socketPath, { path: `/v1.41/images/${id}/history` })) as { CreatedBy: string }[]
  return { config: image.Config, history: history.map(({ CreatedBy }) => CreatedBy).reverse() }
}

interface Question {
  readonly method?: string
  readonly path: string
  readonly body?: Buffer
}

async function ask(socketPath: string, { method = 'GET', path, body }: Question): Promise<string> {
  const headers = body === undefined ? {} : { 'content-type': 'application/x-tar', 'content-length': body.length }
  const asked = request({ socketPath, method, path, headers })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
  return readText(response)
}
