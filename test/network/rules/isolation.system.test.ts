import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, afterEach, before, describe, it } from 'mocha'
import { ethernet, four, hear, sendFrames } from '../../support/frames.ts'
import { HOST, type Inhabitant, type Island, inhabit, MACHINE, openIsland, SERVER } from '../../support/island.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { until } from '../../support/until.ts'

const BRIDGE_FILTER = '/proc/sys/net/bridge/bridge-nf-call-iptables'

describe('networks keep to themselves', function () {
  this.timeout(180_000)
  let island: Island

  before(function () {
    needsRoot(this)
    island = openIsland()
  })
  after(() => island?.close())
  afterEach(() => {
    const names = island.output('ps', '-aq').split('\n').filter(Boolean)
    if (names.length > 0) island.output('rm', '-f', ...names)
    island.output('network', 'prune', '-f')
  })

  const create = (name: string, ...flags: string[]) => island.output('network', 'create', ...flags, name)
  const live = (name: string, network: string, ...flags: string[]) =>
    inhabit(island, name, ['--network', network, ...flags])
  const serve = (name: string, network: string, ...flags: string[]) =>
    inhabit(island, name, ['--network', network, ...flags], SERVER)
  const gatewayOf = (network: string) =>
    island.output('network', 'inspect', '--format', '{{(index .IPAM.Config 0).Gateway}}', network)
  const fetches = (from: Inhabitant, address: string) =>
    /root/.test(
      island.run(['exec', from.name, 'timeout', '2', 'wget', '-q', '-O', '-', `http://${address}/passwd`]).stdout,
    )
  const pings = (from: Inhabitant, address: string) =>
    island.run(['exec', from.name, 'ping', '-c', '1', '-W', '1', address]).status === 0
  const macOfBridge = (network: string) => {
    const bridge = island.output('network', 'inspect', '--format', 'cb-{{slice .Id 0 8}}', network)
    return island.host('cat', `/sys/class/net/${bridge}/address`).stdout.trim()
  }

  it('from the containers and the host addresses of other networks, by whatever way', async () => {
    for (const name of ['left', 'right']) create(name)
    const one = live('one', 'left')
    const two = serve('two', 'right')
    await until('the server answers', () => fetches(two, two.ip))
    assert.ok(pings(one, gatewayOf('left')))
    for (const target of [two.ip, gatewayOf('right')]) assert.ok(!pings(one, target), target)
    assert.ok(!fetches(one, two.ip))
    const itself = island.host('curl', '-sf', '--max-time', '2', '-o', '/dev/null', `http://${two.ip}/passwd`)
    assert.equal(itself.status, 0, 'the host itself gets in')
  })

  it('from a machine that takes the host for a router', async () => {
    create('town')
    const server = serve('server', 'town')
    await until('the server answers', () => fetches(server, server.ip))
    island.machine('ip', 'route', 'replace', server.ip, 'via', HOST.four)
    assert.notEqual(island.machine('curl', '-s', '--max-time', '1', `http://${server.ip}/passwd`).status, 0)
  })

  it('and out of the loopback of the host, which published ports open for the host alone', async () => {
    create('town')
    const one = serve('one', 'town', '-p', '127.0.0.1:28310:80')
    const listener = island.start(
      'host',
      'timeout',
      '30',
      'python3',
      '-uc',
      `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 5005))
print('ready')
while True:
  text = s.recv(99).decode()
  print(text)
  if text == 'the truth': break`,
    )
    let told = ''
    listener.stdout?.on('data', (data) => {
      told += data
    })
    await until('the listener is there', () => told.includes('ready'))
    const to = (address: string, text: string) =>
      ethernet(macOfBridge('town'), one.mac, four(one.ip, address, { port: 5005, text }))
    sendFrames(one.pid, [to('127.0.0.1', 'a lie'), to('127.0.0.53', 'a lie'), to(gatewayOf('town'), 'the truth')])
    await until('the truth comes through', () => told.includes('the truth'))
    assert.doesNotMatch(told, /a lie/)
  })

  it('when they are internal: no way out by routes, by the host, or by what others publish', async () => {
    create('inner', '--internal')
    create('outer')
    const one = serve('one', 'inner', '-p', '28311:80')
    const two = live('two', 'inner')
    const open = serve('open', 'outer', '-p', '28312:80')
    await until('the servers answer', () => fetches(two, one.ip) && fetches(open, open.ip))
    assert.equal(island.output('port', 'one'), '', 'nothing is published')
    const gateway = gatewayOf('inner')
    for (const address of [gateway, HOST.four, gatewayOf('outer'), open.ip])
      assert.ok(!fetches(two, `${address}:28312`), address)
    assert.equal(island.host('curl', '-sf', '--max-time', '2', '-o', '/dev/null', `http://${one.ip}/passwd`).status, 0)

    // Without a route of its own it can still hand frames to the bridge.
    const hearing = await hear(open.pid, 'the truth')
    const mac = macOfBridge('inner')
    const anchor = island.start('machine', 'sleep', '60')
    const outside = await hear(anchor.pid ?? 0, 'the truth', 'out0')
    sendFrames(two.pid, [
      ethernet(mac, two.mac, four(two.ip, open.ip, { port: 80, text: 'a lie' })),
      ethernet(mac, two.mac, four(two.ip, HOST.four, { port: 28312, text: 'a lie' })),
      ethernet(mac, two.mac, four(two.ip, MACHINE.four, { port: 9, text: 'a lie' })),
    ])
    for (const address of [open.ip, MACHINE.four])
      island.host('python3', '-c', `import socket; socket.socket(2, 2).sendto(b'the truth', ('${address}', 9))`)
    for (const frames of [await hearing.heard(), await outside.heard()])
      assert.ok(!frames.some((frame) => frame.includes('a lie')))
    anchor.kill()
  })

  for (const filter of existsSync(BRIDGE_FILTER) ? ['0', '1'] : ['as it is']) {
    it(`when their containers may not talk: only by what they publish (bridge-nf-call-iptables ${filter})`, async () => {
      if (filter !== 'as it is') island.host('sysctl', '-w', `net.bridge.bridge-nf-call-iptables=${filter}`)
      create('apart', '-o', 'com.docker.network.bridge.enable_icc=false')
      const one = serve('one', 'apart', '-p', '28313:80')
      const two = live('two', 'apart')
      await until('the server answers', () => fetches(one, one.ip))
      for (const address of [gatewayOf('apart'), HOST.four]) {
        assert.ok(fetches(two, `${address}:28313`), address)
        assert.ok(fetches(one, `${address}:28313`), `itself by ${address}`)
      }
      assert.ok(!fetches(two, one.ip))
      assert.ok(!pings(two, one.ip))
      const hearing = await hear(one.pid, 'the truth')
      const says = (text: string) => four(two.ip, one.ip, { port: 80, text })
      sendFrames(two.pid, [
        ethernet(one.mac, two.mac, says('a lie')),
        ethernet('ff:ff:ff:ff:ff:ff', two.mac, says('a lie')),
        ethernet(macOfBridge('apart'), two.mac, says('a lie')),
      ])
      island.host('python3', '-c', `import socket; socket.socket(2, 2).sendto(b'the truth', ('${one.ip}', 9))`)
      assert.ok(!(await hearing.heard()).some((frame) => frame.includes('a lie')))
    })
  }

  it('keep their own addresses outside when they are told not to masquerade', async () => {
    create('plain', '-o', 'com.docker.network.bridge.enable_ip_masquerade=false')
    create('hidden')
    const [plain, hidden] = [live('plain', 'plain'), live('hidden', 'hidden')]
    const anchor = island.start('machine', 'sleep', '60')
    for (const [one, network, source] of [
      [plain, 'plain', plain.ip],
      [hidden, 'hidden', HOST.four],
    ] as const) {
      const hearing = await hear(anchor.pid ?? 0, 'the truth', 'out0')
      const frame = four(one.ip, MACHINE.four, { port: 9, text: 'the truth' })
      sendFrames(one.pid, [ethernet(macOfBridge(network), one.mac, frame)])
      const heard = (await hearing.heard()).at(-1) ?? Buffer.alloc(0)
      assert.equal([...heard.subarray(26, 30)].join('.'), source)
    }
    anchor.kill()
  })

  it('refuse gateway modes that would open them', () => {
    const { status, stderr } = island.run([
      'network',
      'create',
      '-o',
      'com.docker.network.bridge.gateway_mode_ipv4=routed',
      'x1',
    ])
    assert.equal(status, 1)
    assert.match(stderr, /gateway_mode_ipv4/)
  })
})
