import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { SourceFailed } from '../../../src/build/errors.ts'
import { type HttpRequest, openHttpFile } from '../../../src/build/sources/http-source.ts'
import { pruneSources } from '../../../src/build/sources/prune.ts'
import { type Database, openDatabase } from '../../../src/state/database.ts'
import { scratchDirectory } from '../../support/scratch.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Web extends AsyncDisposable {
  readonly origin: string
  readonly requests: IncomingMessage[]
}

async function serve(answer: Answer): Promise<Web> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

describe('openHttpFile', () => {
  let database: Database
  let root: string
  beforeEach(async () => {
    root = await scratchDirectory()
    mkdirSync(join(root, 'build/work'), { recursive: true })
    database = openDatabase(join(root, 'state.db'))
  })
  afterEach(() => {
    assert.deepEqual(readdirSync(join(root, 'build/work')), [])
    database.close()
  })

  const store = () => ({ database, paths: { root, run: join(root, 'run') } })
  /** One build: what it holds is let go at its end. */
  const open = async (url: string, wishes: Partial<HttpRequest> = {}) => {
    await using cleanup = new AsyncDisposableStack()
    const grants = { secrets: new Map(), ssh: new Map() }
    const { signal } = new AbortController()
    const file = await openHttpFile(store(), { url, grants, cleanup, signal, onStatus: () => {}, ...wishes })
    return { ...file, text: readFileSync(file.path, 'utf8') }
  }
  const failure = async (url: string, wishes: Partial<HttpRequest> = {}): Promise<string> => {
    const error = await open(url, wishes).then(
      () => assert.fail(`${url} has been had`),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof SourceFailed, String(error))
    return error.message
  }
  const secret = (name: string, value: string): Partial<HttpRequest> => ({
    grants: { secrets: new Map([[name, { value: Buffer.from(value) }]]), ssh: new Map() },
  })

  it('asks by the tag it was given, and takes the kept file when nothing has changed', async () => {
    let version = 'one'
    await using web = await serve((request, response) => {
      response.setHeader('etag', `"${version}"`)
      if (request.headers['if-none-match'] === `"${version}"`) response.writeHead(304).end()
      else response.end(version)
    })
    assert.equal((await open(`${web.origin}/f`)).text, 'one')
    assert.equal((await open(`${web.origin}/f`)).digest, sha256('one'))
    assert.equal(web.requests[1]?.headers['if-none-match'], '"one"')
    version = 'two'
    assert.equal((await open(`${web.origin}/f`)).text, 'two')
    assert.equal(readdirSync(join(root, 'build/sources')).length, 2)
  })

  it('does not read again what a server sends though its tag is the same', async () => {
    let sent = 0
    await using web = await serve((_, response) => {
      response.setHeader('etag', 'W/"same"')
      sent += 1
      // Whoever reads the second answer to its end waits for ever.
      if (sent === 1) response.end('body')
      else response.write('other')
    })
    assert.equal((await open(`${web.origin}/f`)).text, 'body')
    assert.equal((await open(`${web.origin}/f`)).text, 'body')
  })

  it('asks by time only where two versions cannot have the same', async () => {
    const modified = new Date(Date.now() - 3_600_000).toUTCString()
    let time = modified
    await using web = await serve((request, response) => {
      response.setHeader('last-modified', time)
      if (request.headers['if-modified-since'] === time) response.writeHead(304).end()
      else response.end('body')
    })
    assert.equal((await open(`${web.origin}/old`)).mtimeSeconds, Date.parse(modified) / 1000)
    assert.equal((await open(`${web.origin}/old`)).mtimeSeconds, Date.parse(modified) / 1000)
    assert.equal(web.requests[1]?.headers['if-modified-since'], modified)
    time = new Date().toUTCString()
    await open(`${web.origin}/new`)
    await open(`${web.origin}/new`)
    assert.equal(web.requests[3]?.headers['if-modified-since'], undefined)
  })

  it('asks nobody for a file that is kept and whose digest is given', async () => {
    await using web = await serve((_, response) => response.end('body'))
    assert.equal((await open(`${web.origin}/f`, { checksum: sha256('body') })).text, 'body')
    assert.equal((await open(`${web.origin}/g`, { checksum: sha256('body') })).text, 'body')
    assert.equal(web.requests.length, 1)
    assert.match(
      await failure(`${web.origin}/f`, { checksum: sha256('other') }),
      /digest mismatch sha256 of .*\/f: sha256/,
    )
  })

  it('logs in where a secret of that host says so, and nowhere that it is sent on to', async () => {
    await using other = await serve((_, response) => response.end('elsewhere'))
    await using web = await serve((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: `${other.origin}/x` }).end()
      else response.end(request.headers.authorization ?? 'nobody')
    })
    assert.equal((await open(`${web.origin}/f`)).text, 'nobody')
    assert.equal((await open(`${web.origin}/f`, secret('HTTP_AUTH_TOKEN_127.0.0.1', 't0ken\n'))).text, 'Bearer t0ken')
    assert.equal((await open(`${web.origin}/f`, secret('HTTP_AUTH_HEADER_127.0.0.1', 'Basic x'))).text, 'Basic x')
    assert.equal((await open(`${web.origin}/f`, secret('HTTP_AUTH_HEADER_example.com', 'Basic x'))).text, 'nobody')
    const inside = web.origin.replace('//', '//me:p%40ss@')
    assert.equal((await open(`${inside}/f`)).text, `Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    assert.equal((await open(`${web.origin}/away`, secret('HTTP_AUTH_TOKEN_127.0.0.1', 't'))).text, 'elsewhere')
    assert.equal(other.requests[0]?.headers.authorization, undefined)
  })

  it('says what a server does wrong, and keeps nothing of it', async () => {
    await using web = await serve((request, response) => {
      switch (request.url) {
        case '/404?token=s3cret':
          return response.writeHead(404).end('no')
        case '/file':
          return response.writeHead(302, { location: 'file:///etc/passwd' }).end()
        case '/round':
          return response.writeHead(302, { location: '/round' }).end()
        case '/short':
          response.setHeader('content-length', 100)
          response.write('x')
          return setImmediate(() => response.destroy())
        case '/endless': {
          const more = () => {
            while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
          }
          response.on('drain', more)
          return more()
        }
        case '/stops':
          return response.write('x')
        default:
          return undefined
      }
    })
    const said = await failure(`${web.origin}/404?token=s3cret`)
    assert.match(said, /^invalid response status 404 of http:\/\/127\.0\.0\.1:\d+\/404\?…$/)
    assert.match(await failure(`${web.origin}/file`), /cannot reach .*redirects to no address/)
    assert.match(await failure(`${web.origin}/round`), /redirects without an end/)
    assert.match(await failure(`${web.origin}/short`), /^cannot read .*\/short: /)
    assert.match(await failure(`${web.origin}/endless`, { limit: () => 1 << 20 }), /\/endless is larger than 1 MiB$/)
    assert.match(await failure(`${web.origin}/stops`, { stallMs: 300 }), /cannot read .*nothing has come for 0\.3 s/)
    assert.match(await failure(`${web.origin}/silent`, { stallMs: 300 }), /nothing has come for 0\.3 s/)
    await web[Symbol.asyncDispose]()
    assert.match(await failure(`${web.origin}/gone`), /cannot reach .*ECONNREFUSED/)
    assert.equal(database.prepare('SELECT count(*) AS count FROM build_sources').get()?.['count'], 0)
  })

  it('keeps what a build uses from a prune, and fetches again what has been pruned', async () => {
    await using web = await serve((_, response) => {
      response.setHeader('etag', '"e"')
      response.end('body')
    })
    await using cleanup = new AsyncDisposableStack()
    const file = await open(`${web.origin}/f`, { cleanup })
    assert.deepEqual((await pruneSources(store(), () => true)).keys, [])
    assert.equal(readFileSync(file.path, 'utf8'), 'body')
    await cleanup.disposeAsync()
    assert.equal((await pruneSources(store(), () => true)).reclaimedBytes, 4)
    assert.deepEqual(readdirSync(join(root, 'build/sources')), [])
    assert.equal((await open(`${web.origin}/f`)).text, 'body')
    assert.equal(web.requests.at(-1)?.headers['if-none-match'], undefined)
  })
})
