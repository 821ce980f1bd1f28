/** Debian's docker as the one to agree with: its daemon has BuildKit inside, and builds a context that is sent to it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import type { Context } from 'mocha'
import { keptDirectory } from './scratch.ts'
import { file, tarOf } from './tar.ts'
import { until } from './until.ts'

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

export function needsDocker(context: Context): void {
  if (process.geteuid?.() === 0 && spawnSync('dockerd', ['--version']).status === 0) return
  console.log('skipped: this needs root and dockerd (Debian: docker.io)')
  context.skip()
}

/** A daemon of its own, without networks. */
export async function startDockerBuilder(): Promise<DockerBuilder> {
  const scratch = await keptDirectory('coracle-docker-')
  const at = (name: string) => join(scratch, name)
  const state = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')]
  const isolated = ['--bridge=none', '--iptables=false', '--ip6tables=false']
  const child = spawn('dockerd', ['-H', `unix://${at('sock')}`, ...isolated, ...state], { stdio: 'ignore' })
  const socketPath = at('sock')
  await until('dockerd answers', () => spawnSync('docker', ['-H', `unix://${socketPath}`, 'version']).status === 0)
  return {
    build: (dockerfile, buildArgs = {}) => buildAt(socketPath, dockerfile, buildArgs),
    [Symbol.asyncDispose]: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
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
