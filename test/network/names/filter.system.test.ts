import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'mocha'
import { writeNetworkNames } from '../../../src/network/names/files.ts'
import { resolverRules } from '../../../src/network/names/rules.ts'
import { readTried } from '../../../src/network/names/tried.ts'
import { describeNative } from '../../support/native.ts'
import { until } from '../../support/until.ts'
import { nft, OTHER, OTHER6, OUTSIDE, OUTSIDE6, openOutsideRoom, tryConnect, tryDatagram } from './outside-room.ts'
import { A, AAAA, CNAME, encodeName, PTR, question } from './packets.ts'
import { NFT, openRoom, type Room } from './room.ts'
import { type Answer, type Resource, startUpstream, type Table } from './upstream.ts'

const four = (address: string, more: Partial<Resource> = {}): Resource => ({
  type: A,
  data: Buffer.from(address.split('.').map(Number)),
  ...more,
})
const six = (tail: number): Resource => ({
  type: AAAA,
  data: Buffer.from(`20010db8${'0'.repeat(22)}${tail.toString(16).padStart(2, '0')}`, 'hex'),
})

/** good.example and all below it are OUTSIDE, everything else OTHER. */
const world: Table = (name, type): Answer => {
  const good = name === 'good.example' || name.endsWith('.good.example')
  return { records: [type === AAAA ? six(good ? 1 : 2) : four(good ? OUTSIDE : OTHER)] }
}

describeNative('a container with an allow-list', (native) => {
  async function open(allow: string, { deny, table = world }: { deny?: string; table?: Table } = {}) {
    const upstream = await startUpstream(table)
    const rules = { allow, ...(deny === undefined ? {} : { deny }) }
    const room = await openOutsideRoom(rules, { native: native(), config: { upstreams: [upstream.address] } })
    return { room, upstream }
  }

  it('reaches what it may by name, on the ports it may, once it has asked', async () => {
    const { room } = await open('good.example:443')
    assert.equal(await tryConnect(room, OUTSIDE, 443), 'ECONNREFUSED')
    assert.deepEqual(await room.ask('good.example'), [OUTSIDE])
    assert.equal(await tryConnect(room, OUTSIDE, 443), 'reached')
    assert.equal(await tryDatagram(room, OUTSIDE, 443), 'reached')
    assert.equal(await tryConnect(room, OUTSIDE, 80), 'ECONNREFUSED')
    assert.equal(await tryConnect(room, OTHER, 443), 'ECONNREFUSED')
  })

  it('reaches it by IPv6 as well, and only what was answered', async () => {
    const { room } = await open('good.example')
    assert.deepEqual(await room.ask('good.example', 'AAAA'), [OUTSIDE6])
    assert.equal(await tryConnect(room, OUTSIDE6, 80), 'reached')
    assert.equal(await tryDatagram(room, OUTSIDE6, 53), 'reached')
    assert.equal(await tryConnect(room, OTHER6, 80), 'ECONNREFUSED')
    assert.equal(await tryConnect(room, OUTSIDE, 80), 'ECONNREFUSED', 'nobody asked for that one')
  })

  it('reaches one protocol only where a rule says so', async () => {
    const { room } = await open('good.example:443/tcp')
    await room.ask('good.example')
    assert.equal(await tryConnect(room, OUTSIDE, 443), 'reached')
    assert.notEqual(await tryDatagram(room, OUTSIDE, 443), 'reached')
  })

  it('is told at once that other names do not exist, and nobody is asked for them', async () => {
    const { room, upstream } = await open('*.good.example:443')
    const addresses = ['evil.example', 'good.example', 'xgood.example', 'secret.evil.example', 'web']
    for (const name of addresses) assert.equal(await room.ask(name), 'ENOTFOUND', name)
    assert.equal((await room.askRaw('1.2.0.192.in-addr.arpa', PTR)).rcode, 3)
    assert.deepEqual(upstream.asked, [])
    assert.deepEqual(await room.ask('a.b.good.example'), [OUTSIDE])
  })

  it('does not get around it: other resolvers, addresses, protocols and packets of its own making', async () => {
    const { room, upstream } = await open('good.example:443,*.good.example:443')
    for (const host of [OUTSIDE, OTHER, OUTSIDE6, OTHER6]) {
      assert.equal(await tryConnect(room, host, 53), 'ECONNREFUSED', host)
      for (const port of [53, 443]) assert.match(String(await tryDatagram(room, host, port)), /^E/, `${host} ${port}`)
    }
    const elsewhere = await room.inside({ do: 'resolve', name: 'evil.example', type: 'A', server: OUTSIDE })
    assert.notEqual(elsewhere['error'], undefined)
    // A raw socket speaks IP itself and still passes by the rules.
    const { output } = await room.inside({ do: 'run', argv: ['/bin/busybox', 'ping', '-c', '1', '-W', '1', OUTSIDE] })
    assert.doesNotMatch(output as string, / 0% packet loss/)
    // Questions under other classes, and ones that ask for a second name behind the allowed one.
    const other = Buffer.from(question('evil.example'))
    other.writeUInt8(3, other.length - 1)
    const double = Buffer.concat([question('good.example'), encodeName('evil.example'), Buffer.of(0, 1, 0, 1)])
    double.writeUInt16BE(2, 4)
    // One label with a dot in it is below `example`, not below good.example.
    const dotted = Buffer.from(question('x-good.example'))
    dotted.write('.', dotted.indexOf('-'))
    const whole = Buffer.from(question('good-example'))
    whole.write('.', whole.indexOf('-'))
    for (const packet of [other, double, dotted, whole]) {
      const { packets } = await room.inside({ do: 'udp', packets: [packet.toString('base64')], waitMs: 8000 })
      const [reply = ''] = packets as string[]
      assert.notEqual(Buffer.from(reply, 'base64').readUInt16BE(2) & 15, 0)
    }
    assert.deepEqual(upstream.asked, [])
  })

  it('reaches the addresses of a name’s aliases, and no others that an answer brings along', async () => {
    const chain = [
      four(OUTSIDE, { name: 'c.cdn.example' }),
      { name: 'good.example', type: CNAME, data: encodeName('b.cdn.example') },
      { name: 'b.cdn.example', type: CNAME, data: encodeName('c.cdn.example') },
      four(OTHER, { name: 'evil.example' }),
    ]
    const { room } = await open('good.example:443', { table: () => ({ records: chain }) })
    await room.askRaw('good.example')
    assert.equal(await tryConnect(room, OUTSIDE, 443), 'reached')
    assert.equal(await tryConnect(room, OTHER, 443), 'ECONNREFUSED')
  })

  it('reaches what an answer by TCP says', async () => {
    const { room, upstream } = await open('good.example', {
      table: () => ({ records: [four(OUTSIDE)], truncated: true }),
    })
    assert.deepEqual(await room.ask('good.example'), [OUTSIDE])
    assert.deepEqual(upstream.asked, ['udp good.example', 'tcp good.example'])
    assert.equal(await tryConnect(room, OUTSIDE, 80), 'reached')
  })

  it('keeps its connections when the time of an answer is over, and gets no new ones', async () => {
    const { room } = await open('good.example:443')
    await room.ask('good.example')
    assert.equal(await tryConnect(room, OUTSIDE, 443), 'reached')
    const element = `{ ${OUTSIDE} . tcp . 443`
    await nft(room, 'delete', 'element', 'inet', 'coracle', 'names4', `${element} }`)
    await nft(room, 'add', 'element', 'inet', 'coracle', 'names4', `${element} timeout 100ms }`)
    let sets = ''
    const look = async () => {
      sets = await nft(room, 'list', 'set', 'inet', 'coracle', 'names4')
    }
    await look()
    while (/tcp/.test(sets)) await look()
    assert.deepEqual(await room.inside({ do: 'say', text: 'still here' }), { said: 'still here' })
    assert.equal(await tryConnect(room, OUTSIDE, 443), 'ECONNREFUSED')
  })

  it('may use an answer for as long as it says and half a minute more, but a minute at least; a new answer renews that', async () => {
    let ttl = 1
    const { room } = await open('good.example', { table: () => ({ records: [four(OUTSIDE, { ttl })] }) })
    const timeout = async () => /timeout (\w+)/.exec(await nft(room, 'list', 'set', 'inet', 'coracle', 'hosts4'))?.[1]
    await room.askRaw('good.example')
    assert.equal(await timeout(), '1m')
    ttl = 300
    await room.askRaw('good.example')
    assert.equal(await timeout(), '5m30s')
  })

  it('reaches allowed addresses without a name, and never denied ones', async () => {
    const { room } = await open(`${OUTSIDE}:80,192.0.2.0/30:443,[2001:db8::/64],*`, {
      deny: `${OTHER},evil.example,[${OTHER6}]:80/tcp`,
    })
    assert.equal(await tryConnect(room, OUTSIDE, 80), 'reached')
    assert.equal(await tryConnect(room, OUTSIDE, 443), 'reached')
    assert.equal(await tryConnect(room, OUTSIDE, 53), 'ECONNREFUSED')
    assert.equal(await tryConnect(room, OUTSIDE6, 53), 'reached')
    assert.equal(await tryConnect(room, OTHER6, 53), 'reached')
    assert.equal(await tryConnect(room, OTHER6, 80), 'ECONNREFUSED')
    assert.equal(await room.ask('evil.example'), 'ENOTFOUND')
    assert.deepEqual(await room.ask('unknown.example'), [OTHER])
    assert.equal(await tryConnect(room, OTHER, 443), 'ECONNREFUSED', 'its name is allowed, its address is not')
  })

  it('reaches other containers by their names like anybody else', async () => {
    const room = await openOutsideRoom(
      { allow: 'web:80' },
      {
        native: native(),
        prepare: (names) =>
          writeNetworkNames(names, 'net1', [
            { ipv4: OUTSIDE, names: ['web'] },
            { ipv4: OTHER, names: ['db'] },
          ]),
      },
    )
    assert.equal(await tryConnect(room, OUTSIDE, 80), 'ECONNREFUSED')
    assert.deepEqual(await room.ask('web'), [OUTSIDE])
    assert.equal(await tryConnect(room, OUTSIDE, 80), 'reached')
    assert.equal(await room.ask('db'), 'ENOTFOUND')
  })

  it('gets no answer that could not be made reachable', async () => {
    const upstream = await startUpstream(world)
    const room = await openRoom({
      native: native(),
      config: { upstreams: [upstream.address] },
      filter: { allow: [{ kind: 'name', pattern: 'good.example' }], deny: [] },
      after: (port) => [{ do: 'net-rules', nft: NFT, text: resolverRules(port) }], // made anew, without sets
    })
    assert.equal(await room.ask('good.example'), 'ESERVFAIL')
  })

  describe('of what it tried', () => {
    const tried = async (room: Room) => (await readTried(room.directory)).map(({ time: _, ...rest }) => rest)

    it('leaves a line each', async () => {
      const { room } = await open('good.example:443')
      await room.ask('evil.example')
      await tryConnect(room, OTHER, 443)
      await tryDatagram(room, OTHER6, 53)
      const expected = [
        { kind: 'name', name: 'evil.example' },
        { kind: 'connect', address: OTHER, port: 443, protocol: 'tcp' },
        { kind: 'connect', address: OTHER6, port: 53, protocol: 'udp' },
      ]
      for (const one of expected) await untilTried(room, one)
      const [first] = await readTried(room.directory)
      assert.match(first?.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/)
      assert(Math.abs(Date.parse(first?.time ?? '') - Date.now()) < 60_000)
    })

    it('leaves lines that are whole, whatever bytes a name is made of', async () => {
      const { room } = await open('good.example:443')
      const name = '"\\\n\u0001\u00ff{}'
      await room.askRaw(name)
      await untilTried(room, { kind: 'name', name })
    })

    it('leaves a file of a megabyte, and the one before it', async () => {
      const { room } = await open('good.example:443')
      const old = `${JSON.stringify({ time: 'then', kind: 'name', name: 'old.example' })}\n`
      writeFileSync(join(room.directory, 'tried'), old.padStart(1024 * 1024, '\n'))
      await room.ask('evil.example')
      await untilTried(room, { kind: 'name', name: 'evil.example' })
      assert.deepEqual(
        (await tried(room)).map((line) => line.kind === 'name' && line.name),
        ['old.example', 'evil.example'],
      )
      assert(statSync(join(room.directory, 'tried')).size < 200)
    })

    it('leaves so many lines a second and no more', async () => {
      const { room } = await open('good.example:443')
      const packets = Array.from({ length: 200 }, (_, i) => question(`n${i}.example`).toString('base64'))
      const started = Date.now()
      await room.inside({ do: 'udp', packets, waitMs: 8000 })
      await untilTried(room, { kind: 'name', name: 'n0.example' })
      const lines = (await tried(room)).length
      const seconds = Math.ceil((Date.now() - started) / 1000) + 1
      assert(lines <= 20 * seconds, `${lines} lines`)
    })

    async function untilTried(room: Room, one: object): Promise<void> {
      let lines = await tried(room)
      const wanted = JSON.stringify(one)
      const look = () => {
        void tried(room).then((found) => {
          lines = found
        })
        return lines.some((line) => JSON.stringify(line) === wanted)
      }
      await until(wanted, look, () => JSON.stringify(lines))
    }
  })
})
