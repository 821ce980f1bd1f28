/** `wasi:http/outgoing-handler` against a real server on loopback. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, it } from 'mocha'
import { hostClocks } from '../../../src/sandbox/preview1/clocks.ts'
import { Failure } from '../../../src/sandbox/preview2/failure.ts'
import { IncomingBody, OutgoingBody } from '../../../src/sandbox/preview2/http/bodies.ts'
import { Fields } from '../../../src/sandbox/preview2/http/fields.ts'
import { type IncomingResponse, outgoingMessages, RequestOptions } from '../../../src/sandbox/preview2/http/messages.ts'
import { sendRequest } from '../../../src/sandbox/preview2/http/send.ts'
import type { PatientClocks } from '../../../src/sandbox/preview2/poll.ts'

const clocks: PatientClocks = { ...hostClocks(), suspends: true, virtual: false }
const { OutgoingRequest } = outgoingMessages(clocks)
const closing: (() => void)[] = []

/** @returns its address */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function requestTo(authority: string, headers = new Fields()) {
  const request = new OutgoingRequest(headers)
  request.setScheme({ tag: 'HTTP' })
  request.setAuthority(authority)
  return request
}

async function outcomeOf(request: InstanceType<typeof OutgoingRequest>, options?: RequestOptions) {
  const future = sendRequest(clocks, request, options)
  await future.subscribe().block()
  const outcome = future.get() as { tag: 'ok'; val: { tag: string; val: unknown } }
  assert.equal(outcome.tag, 'ok')
  assert.deepEqual(future.get(), { tag: 'err', val: undefined }, 'it can be taken once')
  return outcome.val
}

async function contentOf(response: IncomingResponse): Promise<string> {
  const stream = response.consume().stream()
  let content = ''
  for (;;) {
    try {
      content += Buffer.from(await stream.blockingRead(1000n)).toString()
    } catch (error) {
      assert.deepEqual(error instanceof Failure && error.payload, { tag: 'closed' })
      return content
    }
  }
}

describe('sendRequest', () => {
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  it('sends method, path, headers and body, and hands over the answer as it comes', async () => {
    const authority = await serve((incoming, response) => {
      response.writeHead(201, {
        'X-Seen': `${incoming.method} ${incoming.url} ${incoming.headers['x-mine']} ${incoming.headers.host}`,
      })
      incoming.pipe(response)
    })
    const request = requestTo(authority, Fields.fromList([['X-Mine', Buffer.from('yes')]]))
    request.setMethod({ tag: 'other', val: 'REPORT' })
    request.setPathWithQuery('/a?b=c')
    const body = request.body()
    const stream = body.write()
    await stream.blockingWriteAndFlush(Buffer.from('the body'))
    OutgoingBody.finish(body, undefined)
    const { tag, val } = await outcomeOf(request)
    assert.equal(tag, 'ok')
    const response = val as IncomingResponse
    assert.equal(response.status(), 201)
    assert.deepEqual(response.headers().get('x-seen').map(String), [`REPORT /a?b=c yes ${authority}`])
    assert.equal(await contentOf(response), 'the body')
  })

  it('sends trailers behind a body, and hands over those of the answer', async () => {
    const authority = await serve((incoming, response) => {
      response.writeHead(200)
      incoming.pipe(response, { end: false })
      incoming.on('end', () => {
        response.addTrailers([['X-Seen', incoming.rawTrailers.join('=')]])
        response.end()
      })
    })
    const request = requestTo(authority)
    request.setMethod({ tag: 'post' })
    const body = request.body()
    await body.write().blockingWriteAndFlush(Buffer.from('the body'))
    OutgoingBody.finish(body, Fields.fromList([['X-Sum', Buffer.from('7')]]))
    const response = (await outcomeOf(request)).val as IncomingResponse
    const trailers = IncomingBody.finish(response.consume())
    await trailers.subscribe().block()
    const { val } = trailers.get() as { val: { tag: string; val: Fields } }
    assert.equal(val.tag, 'ok')
    assert.deepEqual(val.val.get('x-seen').map(String), ['X-Sum=7'])
    assert.deepEqual(trailers.get(), { tag: 'err', val: undefined }, 'they can be taken once')
  })

  it('tells that the end of a body, and what stands there, never came', async () => {
    const authority = await serve((_, response) => {
      response.writeHead(200)
      response.write('half', () => response.destroy())
    })
    const response = (await outcomeOf(requestTo(authority))).val as IncomingResponse
    const trailers = IncomingBody.finish(response.consume())
    await trailers.subscribe().block()
    assert.deepEqual(trailers.get(), { tag: 'ok', val: { tag: 'err', val: { tag: 'connection-terminated' } } })
  })

  it('refuses trailers that would change what was sent before them', () => {
    const finish = (name: string, headers?: Fields) =>
      OutgoingBody.finish(requestTo('a', headers).body(), Fields.fromList([[name, Buffer.from('1')]]))
    for (const name of ['Content-Length', 'trailer', 'Content-Encoding']) assert.throws(() => finish(name), Failure)
    assert.throws(() => finish('X-Sum', Fields.fromList([['Content-Length', Buffer.from('0')]])), Failure)
  })

  it('tells why there is no answer', async () => {
    const gone = await serve((incoming) => incoming.socket.destroy())
    assert.deepEqual(await outcomeOf(requestTo(gone)), { tag: 'err', val: { tag: 'connection-terminated' } })
    const free = await serve(() => {})
    for (const close of closing.splice(0)) close()
    assert.deepEqual(await outcomeOf(requestTo(free)), { tag: 'err', val: { tag: 'connection-refused' } })
    const silent = await serve(() => {})
    const options = new RequestOptions()
    options.setFirstByteTimeout(20_000_000n)
    assert.deepEqual(await outcomeOf(requestTo(silent), options), { tag: 'err', val: { tag: 'HTTP-response-timeout' } })
  })

  it('refuses what would make another request of it', () => {
    const request = new OutgoingRequest(new Fields())
    const refused = (work: () => void) => assert.throws(work, Failure)
    refused(() => request.setPathWithQuery('/a HTTP/1.1\r\nX: y'))
    refused(() => request.setPathWithQuery('no-slash'))
    refused(() => request.setAuthority('user@host/path'))
    refused(() => request.setMethod({ tag: 'other', val: 'GET /x' }))
    assert.throws(() => sendRequest(clocks, request, undefined), Failure)
  })

  it('holds a body to the length that was said', async () => {
    const authority = await serve((_, response) => response.end())
    const request = requestTo(authority, Fields.fromList([['Content-Length', Buffer.from('3')]]))
    const body = request.body()
    const stream = body.write()
    assert.throws(() => stream.write(Buffer.from('four')), Failure)
    assert.throws(() => OutgoingBody.finish(body, undefined), Failure)
  })
})
