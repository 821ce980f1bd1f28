import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

let coracle: Coracle

const output = (...args: string[]) => coracle.output(...args)
const background = (name: string, ...flags: string[]) =>
  output('run', '-d', '--name', name, ...flags, IMAGE, 'sleep', '1000')
/** On its first network, or on the one that is named. */
const addressOf = (name: string, network?: string) => {
  const [{ NetworkSettings }] = JSON.parse(output('inspect', name))
  const networks = NetworkSettings.Networks as Record<string, { IPAddress: string }>
  return (network === undefined ? Object.values(networks)[0] : networks[network])?.IPAddress
}
/** What a container is told that a name stands for. */
const lookUp = (from: string, name: string): string[] => {
  const { stdout } = coracle.run(['exec', from, 'nslookup', name])
  const [, answer = ''] = stdout.split(/\n\n/)
  return [...answer.matchAll(/^Address: (\S+)$/gm)].map(([, address = '']) => address)
}

describe('names on networks', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => {
    const ids = output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) output('rm', '-f', ...ids)
    output('network', 'prune', '-f')
  })
  after(() => coracle?.close())

  it('are those of containers, their aliases and the starts of their ids, on networks of ones own only', () => {
    output('network', 'create', 'one')
    output('network', 'create', 'two')
    background('asker', '--network', 'one')
    const id = background('web', '--network', 'one', '--network-alias', 'www')
    background('other', '--network', 'two')
    background('plain')
    for (const name of ['web', 'WWW', id.slice(0, 12)])
      assert.deepEqual(lookUp('asker', name), [addressOf('web')], name)
    for (const name of ['other', 'plain', 'nobody']) assert.deepEqual(lookUp('asker', name), [], name)
    assert.deepEqual(lookUp('plain', 'web'), [])
    assert.match(output('exec', 'asker', 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m)
    assert.doesNotMatch(output('exec', 'plain', 'cat', '/etc/resolv.conf'), /127\.0\.0\.11/)
  })

  it('stand for all containers that share one', () => {
    output('network', 'create', 'one')
    background('asker', '--network', 'one')
    for (const name of ['first', 'second']) background(name, '--network', 'one', '--network-alias', 'pool')
    assert.deepEqual(lookUp('asker', 'pool').sort(), [addressOf('first'), addressOf('second')].sort())
    output('rm', '-f', 'first')
    assert.deepEqual(lookUp('asker', 'pool'), [addressOf('second')])
  })

  it('follow connect, disconnect, rename and restart while everybody runs', () => {
    output('network', 'create', 'one')
    output('network', 'create', 'two')
    background('asker', '--network', 'one')
    background('db', '--network', 'two')
    output('network', 'connect', '--alias', 'store', 'one', 'db')
    assert.deepEqual(lookUp('asker', 'store'), [addressOf('db', 'one')])
    assert.deepEqual(lookUp('db', 'asker'), [addressOf('asker')])
    output('rename', 'db', 'base')
    assert.deepEqual(lookUp('asker', 'base'), [addressOf('base', 'one')])
    assert.deepEqual(lookUp('asker', 'db'), [])
    output('restart', '-t', '0', 'base')
    assert.deepEqual(lookUp('asker', 'base'), [addressOf('base', 'one')])
    output('network', 'disconnect', 'one', 'base')
    assert.deepEqual(lookUp('asker', 'store'), [])
    assert.deepEqual(lookUp('base', 'asker'), [])
  })

  it('come to a container that started on the default network when it is connected to its first other one', () => {
    output('network', 'create', 'one')
    background('web', '--network', 'one')
    background('late')
    output('network', 'connect', 'one', 'late')
    assert.deepEqual(lookUp('late', 'web'), [addressOf('web')])
    assert.deepEqual(lookUp('web', 'late'), [addressOf('late', 'one')])
    output('network', 'disconnect', 'bridge', 'late')
    assert.equal(coracle.run(['exec', 'late', 'ping', '-c', '1', 'web']).status, 0)
  })

  it('leave port 53 of all addresses to a container that serves names itself', async () => {
    output('network', 'create', 'one')
    output('run', '-d', '--name', 'server', '--network', 'one', IMAGE, 'sh', '-c', 'nc -l -p 53; sleep 1000')
    assert.deepEqual(lookUp('server', 'server'), [addressOf('server')])
    await until('it serves', () =>
      / 0{8}(?:0{24})?:0035 /.test(output('exec', 'server', 'cat', '/proc/net/tcp', '/proc/net/tcp6')),
    )
  })

  describe('that no container has', () => {
    let upstream: Socket
    const asked: string[] = []

    before(async () => {
      upstream = createSocket('udp4')
      upstream.on('message', (query, from) => {
        const end = query.indexOf(0, 12)
        asked.push(
          query
            .subarray(13, end)
            .toString('latin1')
            .replace(/[^a-z]/g, '.'),
        )
        const answer = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7])
        const reply = Buffer.concat([query.subarray(0, end + 5), query[end + 2] === 1 ? answer : Buffer.alloc(0)])
        reply.writeUInt16BE(0x8180, 2)
        reply.writeUInt16BE(query[end + 2] === 1 ? 1 : 0, 6)
        reply.writeUInt32BE(0, 8)
        upstream.send(reply, from.port, from.address)
      })
      await new Promise<void>((resolve) => upstream.bind(53, '127.0.0.99', resolve))
    })
    after(() => upstream?.close())

    /** The server answers in this process, which must not wait for the command then. */
    const lookUpThere = async (from: string, name: string): Promise<string> => {
      const child = coracle.start(['exec', from, 'nslookup', name])
      let text = ''
      child.stdout?.on('data', (chunk) => {
        text += chunk
      })
      await new Promise((resolve) => child.once('close', resolve))
      return text
    }

    it('are asked of the name servers that --dns names, also on the host alone', async () => {
      output('network', 'create', 'one')
      background('asker', '--network', 'one', '--dns', '127.0.0.99')
      assert.match(await lookUpThere('asker', 'far.example'), /^Address: 192\.0\.2\.7$/m)
      assert.ok(asked.includes('far.example'), asked.join())
    })

    it('are asked of nobody where the network is internal', async () => {
      output('network', 'create', '--internal', 'one')
      background('asker', '--network', 'one', '--dns', '127.0.0.99')
      assert.match(await lookUpThere('asker', 'secret.example'), /can't find secret\.example: NXDOMAIN/)
      assert.ok(!asked.includes('secret.example'))
    })
  })
})
