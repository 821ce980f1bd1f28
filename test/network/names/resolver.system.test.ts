import assert from 'node:assert/strict'
import { it } from 'mocha'
import { writeNetworkNames } from '../../../src/network/names/files.ts'
import { describeNative } from '../../support/native.ts'
import { A, question, type Reply, readReply, TXT } from './packets.ts'
import { openRoom, type Room } from './room.ts'
import { respond, startUpstream } from './upstream.ts'

describeNative('the responder', (native) => {
  it('knows the containers of its networks, in any letters, with and without the last dot', async () => {
    const room = await openRoom({
      native: native(),
      prepare: (names) =>
        writeNetworkNames(names, 'net1', [
          { ipv4: '10.9.0.2', ipv6: 'fd00::2', names: ['web', 'web.front', 'abcdef012345'] },
          { ipv4: '10.9.0.3', names: ['db'] },
        ]),
    })
    assert.deepEqual(await room.ask('web'), ['10.9.0.2'])
    assert.deepEqual(await room.ask('WEB.'), ['10.9.0.2'])
    assert.deepEqual(await room.ask('web.front'), ['10.9.0.2'])
    assert.deepEqual(await room.ask('abcdef012345', 'AAAA'), ['fd00::2'])
    assert.deepEqual(await room.ask('db', 'AAAA'), 'ENODATA')
    const { rcode, answers } = await room.askRaw('web', A)
    assert.deepEqual([rcode, answers], [0, [{ name: 'web', type: A, ttl: 600, data: '10.9.0.2' }]])
    assert.deepEqual((await room.askRaw('web', TXT)).rcode, 0)
  })

  it('asks the host’s resolvers for what it does not know', async () => {
    const upstream = await startUpstream((name) =>
      name === 'outside.example' ? { records: [{ type: A, data: Buffer.of(192, 0, 2, 7), ttl: 77 }] } : undefined,
    )
    const room = await openRoom({ native: native(), config: { upstreams: [upstream.address] } })
    const { id, answers } = await room.askRaw('outside.example')
    assert.deepEqual([id, answers[0]?.data, answers[0]?.ttl], [0x1234, '192.0.2.7', 77])
    assert.equal(await room.ask('nowhere.example'), 'ENOTFOUND')
    assert.deepEqual(upstream.asked, ['udp outside.example', 'udp nowhere.example'])
  })

  it('says all addresses of a name, another one first each time', async () => {
    const room = await openRoom({
      native: native(),
      config: { networks: ['net1', 'net2'] },
      prepare: async (names) => {
        writeNetworkNames(names, 'net1', [
          { ipv4: '10.9.0.2', names: ['web1', 'web'] },
          { ipv4: '10.9.0.3', names: ['web2', 'web'] },
        ])
        writeNetworkNames(names, 'net2', [{ ipv4: '10.8.0.3', names: ['web3', 'web'] }])
      },
    })
    const first = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const found = (await room.ask('web')) as string[]
      assert.deepEqual([...found].sort(), ['10.8.0.3', '10.9.0.2', '10.9.0.3'])
      first.add(found[0] ?? '')
    }
    assert.equal(first.size, 3)
  })

  it('says the first name of who has an address', async () => {
    const room = await openRoom({
      native: native(),
      config: { internal: true },
      prepare: (names) =>
        writeNetworkNames(names, 'net1', [{ ipv4: '10.9.0.2', ipv6: 'fd00:0::2', names: ['web.front', 'web'] }]),
    })
    const reverse = (address: string) => room.inside({ do: 'reverse', address })
    assert.deepEqual(await reverse('10.9.0.2'), { found: ['web.front'] })
    assert.deepEqual(await reverse('fd00::2'), { found: ['web.front'] })
    assert.deepEqual(await reverse('10.9.0.3'), { error: 'ENOTFOUND' })
  })

  it('follows changes of names and networks at the next question', async () => {
    const room = await openRoom({ native: native(), config: { internal: true } })
    assert.equal(await room.ask('web'), 'ENOTFOUND')
    writeNetworkNames(room.names, 'net1', [{ ipv4: '10.9.0.2', names: ['web'] }])
    assert.deepEqual(await room.ask('web'), ['10.9.0.2'])
    writeNetworkNames(room.names, 'net1', [{ ipv4: '10.9.0.9', names: ['web'] }])
    assert.deepEqual(await room.ask('web'), ['10.9.0.9'])
    writeNetworkNames(room.names, 'net2', [{ ipv4: '10.8.0.1', names: ['far'] }])
    assert.equal(await room.ask('far'), 'ENOTFOUND')
    await room.configure({ networks: ['net2'], internal: true })
    assert.deepEqual(await room.ask('far'), ['10.8.0.1'])
    assert.equal(await room.ask('web'), 'ENOTFOUND')
  })

  it('asks nobody in an internal network', async () => {
    const upstream = await startUpstream(() => ({ records: [{ type: A, data: Buffer.of(192, 0, 2, 7) }] }))
    const room = await openRoom({ native: native(), config: { upstreams: [upstream.address], internal: true } })
    assert.equal(await room.ask('outside.example'), 'ENOTFOUND')
    assert.deepEqual(upstream.asked, [])
  })

  it('asks the next resolver when one refuses, fails or says nothing', async () => {
    const good = await startUpstream(() => ({ records: [{ type: A, data: Buffer.of(192, 0, 2, 7) }] }))
    const silent = await startUpstream(() => ({ silent: true }))
    const failing = await startUpstream(() => ({ rcode: 2 }))
    const closed = '127.0.0.1:1'
    const room = await openRoom({ native: native(), config: { upstreams: [closed, failing.address, good.address] } })
    assert.deepEqual(await room.ask('a.example'), ['192.0.2.7'])
    await room.configure({ upstreams: [silent.address, good.address] })
    assert.deepEqual(await room.ask('b.example'), ['192.0.2.7'])
    await room.configure({ upstreams: [closed, closed] })
    assert.equal(await room.ask('c.example'), 'ESERVFAIL')
    assert.deepEqual([failing.asked, silent.asked], [['udp a.example'], ['udp b.example']])
  })

  it('believes no answer that lacks the id or the question it asked with', async () => {
    const wrong = (query: Buffer) => respond(query, { records: [{ type: A, data: Buffer.of(6, 6, 6, 6) }] })
    const forged = (query: Buffer) => {
      const otherId = wrong(query)
      otherId.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0)
      const otherName = wrong(Buffer.concat([query.subarray(0, 2), question('evil.example').subarray(2)]))
      const noAnswer = Buffer.from(query)
      return [otherId, otherName, noAnswer, Buffer.alloc(3)]
    }
    const upstream = await startUpstream(() => ({ records: [{ type: A, data: Buffer.of(192, 0, 2, 7) }], forged }))
    const room = await openRoom({ native: native(), config: { upstreams: [upstream.address] } })
    assert.deepEqual(await room.ask('outside.example'), ['192.0.2.7'])
  })

  it('asks under ids and from ports that cannot be guessed', async () => {
    const ids = new Set<number>()
    const ports = new Set<number>()
    const upstream = await startUpstream((_name, _type, { query, port }) => {
      ids.add(query.readUInt16BE(0))
      ports.add(port)
      return { records: [{ type: A, data: Buffer.of(192, 0, 2, 7) }] }
    })
    const room = await openRoom({ native: native(), config: { upstreams: [upstream.address] } })
    for (let i = 0; i < 20; i++) await room.askRaw('outside.example')
    assert(ids.size > 15 && ports.size > 15, 'but for chance, each is another one')
  })

  it('passes on what is too long for UDP by TCP, and takes many questions on one connection', async () => {
    const many = Array.from({ length: 200 }, (_, i) => ({ type: A, data: Buffer.of(192, 0, 2, i) }))
    const upstream = await startUpstream(() => ({ records: many, truncated: true }))
    const room = await openRoom({
      native: native(),
      config: { upstreams: [upstream.address] },
      prepare: (names) => writeNetworkNames(names, 'net1', [{ ipv4: '10.9.0.2', names: ['web'] }]),
    })
    assert.equal(((await room.ask('long.example')) as string[]).length, 200)
    assert.deepEqual(upstream.asked, ['udp long.example', 'tcp long.example'])

    const queries = [question('web', A, 1), question('long.example', A, 2), question('web', A, 3)]
    const replies = await askByTcp(room, queries)
    assert.deepEqual(
      replies.map(({ id, answers }) => [id, answers.length]),
      [
        [1, 1],
        [2, 200],
        [3, 1],
      ],
    )
  })

  it('cuts its own answers to what the asker takes, and says so', async () => {
    const room = await openRoom({
      native: native(),
      prepare: (names) =>
        writeNetworkNames(
          names,
          'net1',
          Array.from({ length: 100 }, (_, i) => ({ ipv4: `10.9.0.${i}`, names: ['web'] })),
        ),
    })
    const short = await room.askRaw('web')
    assert(short.truncated && short.answers.length > 10 && short.answers.length < 100)
    assert.equal(((await room.ask('web')) as string[]).length, 100)
    const [whole] = await askByTcp(room, [question('web')])
    assert.deepEqual([whole?.truncated, whole?.answers.length], [false, 100])
  })

  it('says what is wrong with a question, or nothing where there is none', async () => {
    const room = await openRoom({ native: native(), config: { internal: true } })
    const plain = question('web')
    const edited = (at: number, value: number) => {
      const copy = Buffer.from(plain)
      copy.writeUInt8(value, at)
      return copy
    }
    const rcodes = {
      twoQuestions: edited(5, 2),
      cut: plain.subarray(0, 14),
      longLabel: edited(12, 64),
      status: edited(2, 0x10),
    }
    for (const [what, packet] of Object.entries(rcodes)) {
      const { packets } = await room.inside({ do: 'udp', packets: [packet.toString('base64')], waitMs: 8000 })
      const [reply = ''] = packets as string[]
      assert.equal(readReply(Buffer.from(reply, 'base64')).rcode, what === 'status' ? 4 : 1, what)
    }
    const answer = edited(2, 0x80)
    const unanswered = [answer, Buffer.of(1), plain.subarray(0, 11)]
    // They are heard in order: an answer to one of them would be here before that to the last.
    const packets = [...unanswered, question('web', A, 0x7777)].map((packet) => packet.toString('base64'))
    const { packets: heard } = await room.inside({ do: 'udp', packets, replies: 1, waitMs: 8000 })
    assert.deepEqual(
      (heard as string[]).map((reply) => readReply(Buffer.from(reply, 'base64')).id),
      [0x7777],
    )
  })

  it('leaves port 53 of all other addresses to the container', async () => {
    const room = await openRoom({
      native: native(),
      prepare: (names) => writeNetworkNames(names, 'net1', [{ ipv4: '10.9.0.2', names: ['web'] }]),
    })
    assert.deepEqual(await room.inside({ do: 'listen', port: 53 }), { listening: true })
    assert.deepEqual(await room.ask('web'), ['10.9.0.2'])
  })
})

async function askByTcp(room: Room, queries: readonly Buffer[]): Promise<readonly Reply[]> {
  const framed = queries.flatMap((query) => [Buffer.of(query.length >> 8, query.length & 255), query])
  const { replies } = await room.inside({
    do: 'tcp',
    data: Buffer.concat(framed).toString('base64'),
    messages: queries.length,
  })
  return (replies as string[]).map((reply) => readReply(Buffer.from(reply, 'base64')))
}
