/** Repositories behind http, served by git's own `http-backend`, and a log of who asked for what. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

export interface GitServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** Of the requests so far: method, path and query. */
  readonly requests: string[]
  /** Headers of the latest request. */
  headers(): IncomingMessage['headers']
  /** Until it is called again: answers instead of git where it returns true. */
  intercept(answer: (request: IncomingMessage, response: ServerResponse) => boolean): void
}

/** @param root - repositories below it are handed out */
export async function serveGit(root: string): Promise<GitServer> {
  const requests: string[] = []
  let headers: IncomingMessage['headers'] = {}
  let intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    headers = request.headers
    if (!intercept(request, response)) backend(root, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    headers: () => headers,
    intercept: (answer) => {
      intercept = answer
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** One CGI program for one request (RFC 3875). */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
      REQUEST_METHOD: request.method,
      PATH_INFO: path,
      QUERY_STRING: query,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-encoding'] !== undefined && {
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => {}) // it has heard enough
  request.pipe(child.stdin)
  let head = Buffer.alloc(0)
  const begin = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    child.stdout.off('data', begin)
    for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
      const [name = '', value = ''] = line.split(/:\s*/, 2)
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.write(head.subarray(end + 4))
    child.stdout.pipe(response)
  }
  child.stdout.on('data', begin)
}

export interface Repository {
  /** Of the working tree. */
  readonly path: string
  git(...words: string[]): string
  /** Writes the files, and commits all. @returns the commit */
  commit(files: Readonly<Record<string, string>>): string
}

/** A repository with a branch `main` and nothing in it; served as `NAME/.git`, best linked to as `NAME.git`. */
export function makeRepository(path: string): Repository {
  mkdirSync(path, { recursive: true })
  const env = {
    PATH: process.env['PATH'],
    HOME: path,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_AUTHOR_DATE: '2020-02-02T02:02:02Z',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    GIT_COMMITTER_DATE: '2020-02-02T02:02:02Z',
  }
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'protocol.file.allow=always', ...words], {
      cwd: path,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  git('init', '--quiet', '--initial-branch=main')
  return {
    path,
    git,
    commit: (files) => {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true })
        writeFileSync(join(path, name), content)
      }
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', '--message=a commit')
      return git('rev-parse', 'HEAD')
    },
  }
}
