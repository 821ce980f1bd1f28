import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { IMAGE } from '../../support/coracle.ts'
import { ethernet, four, hear, sendFrames } from '../../support/frames.ts'
import { HOST, type Inhabitant, type Island, inhabit, MACHINE, openIsland, SERVER } from '../../support/island.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { until } from '../../support/until.ts'

const BRIDGE_FILTER = '/proc/sys/net/bridge/bridge-nf-call-iptables'

describe('published ports', function () {
  this.timeout(180_000)
  let island: Island
  let state: string

  before(function () {
    needsRoot(this)
    island = openIsland()
  })
  after(() => island?.close())
  beforeEach(() => {
    state = island.state()
  })
  afterEach(() => {
    const names = island.output('ps', '-aq').split('\n').filter(Boolean)
    if (names.length > 0) island.output('rm', '-f', ...names)
    island.output('network', 'prune', '-f')
    assert.equal(island.state(), state, 'the host is as it was')
  })

  const curl = ['curl', '-s', '--max-time', '2']
  const page = (address: string) => `http://${address}/passwd`
  const fromHost = (address: string) => /root/.test(island.host(...curl, page(address)).stdout)
  const fromMachine = (address: string) => /root/.test(island.machine(...curl, page(address)).stdout)
  const fromContainer = (name: string, address: string) =>
    /root/.test(island.run(['exec', name, 'timeout', '2', 'wget', '-q', '-O', '-', page(address)]).stdout)
  const serve = (name: string, ...flags: string[]) => inhabit(island, name, flags, SERVER)
  const answers = async ({ ip }: Inhabitant) => until('the server answers', () => fromHost(ip))
  const gatewayOf = (network: string) =>
    island.output('network', 'inspect', '--format', '{{(index .IPAM.Config 0).Gateway}}', network)
  const datagram = (where: 'host' | 'machine', address: string, { port, text }: { port: number; text: string }) =>
    island[where]('python3', '-c', `import socket; socket.socket(2, 2).sendto(b'${text}', ('${address}', ${port}))`)

  for (const filter of existsSync(BRIDGE_FILTER) ? ['0', '1'] : ['as it is']) {
    it(`are reached from everywhere, by all addresses of the host (bridge-nf-call-iptables ${filter})`, async () => {
      if (filter !== 'as it is')
        for (const tables of ['iptables', 'ip6tables'])
          island.host('sysctl', '-w', `net.bridge.bridge-nf-call-${tables}=${filter}`)
      island.output('network', 'create', '--ipv6', 'town')
      island.output('network', 'create', '--ipv6', 'other')
      const web = serve('web', '--network', 'town', '-p', '28320:80')
      inhabit(island, 'neighbour', ['--network', 'town'])
      inhabit(island, 'stranger', ['--network', 'other'])
      await answers(web)
      const gateways = ['town', 'other'].map(gatewayOf)
      for (const address of ['127.0.0.1', 'localhost', HOST.four, `[${HOST.six}]`, ...gateways])
        assert.ok(fromHost(`${address}:28320`), `host by ${address}`)
      for (const address of [HOST.four, `[${HOST.six}]`])
        assert.ok(fromMachine(`${address}:28320`), `machine by ${address}`)
      for (const name of ['neighbour', 'web', 'stranger'])
        for (const address of [HOST.four, `[${HOST.six}]`, ...gateways])
          assert.ok(fromContainer(name, `${address}:28320`), `${name} by ${address}`)
      assert.equal(island.output('port', 'web'), '80/tcp -> 0.0.0.0:28320\n80/tcp -> [::]:28320')
      assert.equal(
        island.output('ps', '--filter', 'name=web', '--format', '{{.Ports}}'),
        '0.0.0.0:28320->80/tcp, [::]:28320->80/tcp',
      )
    })
  }

  it('are reached at the address they are published at, and at no other', async () => {
    island.output('network', 'create', '--ipv6', 'town')
    const flags = ['-p', `${HOST.four}:28321:80`, '-p', '127.0.0.1:28322:80', '-p', `[${HOST.six}]:28323:80`]
    await answers(serve('web', '--network', 'town', ...flags))
    const reached = [
      [`${HOST.four}:28321`, true, true],
      ['127.0.0.1:28321', false, false],
      [`[${HOST.six}]:28321`, false, false],
      ['127.0.0.1:28322', true, false],
      [`${HOST.four}:28322`, false, false],
      [`[${HOST.six}]:28323`, true, true],
      [`${HOST.four}:28323`, false, false],
    ] as const
    for (const [address, host, machine] of reached) {
      assert.equal(fromHost(address), host, `host by ${address}`)
      assert.equal(fromMachine(address), machine, `machine by ${address}`)
    }
  })

  it('of 127.0.0.1 are not reached by a neighbour that addresses its frames to it', async () => {
    const web = serve('web', '-p', '127.0.0.1:28324:9/udp', '-p', '28325:9/udp')
    const mac = island.host('cat', '/sys/class/net/out0/address').stdout.trim()
    const own = island.machine('cat', '/sys/class/net/out0/address').stdout.trim()
    const anchor = island.start('machine', 'sleep', '60')
    const hearing = await hear(web.pid, 'the truth')
    const says = (port: number, text: string) => ({ port, text })
    sendFrames(
      anchor.pid ?? 0,
      [
        ethernet(mac, own, four(MACHINE.four, '127.0.0.1', says(28324, 'a lie'))),
        ethernet(mac, own, four(MACHINE.four, HOST.four, says(28324, 'a lie'))),
        ethernet(mac, own, four(MACHINE.four, HOST.four, says(28325, 'the truth'))),
      ],
      'out0',
    )
    assert.ok(!(await hearing.heard()).some((frame) => frame.includes('a lie')))
    anchor.kill()
  })

  it("carry udp and sctp as well, and ranges, and keep the caller's address", async () => {
    const flags = ['-p', '28330-28332:90-92/udp', '-p', '28340:80/sctp', '-p', '28330:80']
    const web = serve('web', ...flags)
    for (const [port, behind] of [
      [28330, 90],
      [28331, 91],
      [28332, 92],
    ] as const) {
      const hearing = await hear(web.pid, 'the truth')
      datagram('machine', HOST.four, { port, text: 'the truth' })
      const frame = (await hearing.heard()).at(-1) ?? Buffer.alloc(64)
      assert.equal(frame.readUInt16BE(36), behind)
      assert.equal([...frame.subarray(26, 30)].join('.'), MACHINE.four)
    }
    assert.match(island.host('nft', 'list', 'ruleset').stdout, /28340 : [0-9.]+ \. 80/)
    assert.equal(
      island.output('ps', '--format', '{{.Ports}}'),
      '0.0.0.0:28330->80/tcp, 0.0.0.0:28340->80/sctp, 0.0.0.0:28330->90/udp, 0.0.0.0:28331->91/udp, 0.0.0.0:28332->92/udp',
    )
  })

  it('are chosen at random where nobody says which, for many containers at once', async () => {
    const children = Array.from({ length: 12 }, (_, index) =>
      island.start('host', 'bin/coracle', 'run', '-d', '--name', `many${index}`, '-p', '80', IMAGE, 'sleep', '600'),
    )
    await Promise.all(children.map((child) => new Promise((resolve) => child.once('close', resolve))))
    const ports = island.output('ps', '--format', '{{.Ports}}').split('\n')
    assert.equal(ports.length, 12)
    for (const text of ports) {
      const port = Number(/^0\.0\.0\.0:(\d+)->80\/tcp$/.exec(text)?.[1])
      assert.ok(port >= 32_768 && port <= 60_999, text)
    }
    assert.equal(new Set(ports).size, 12)
  })

  it('that somebody has are refused, and nothing is left of the attempt', async () => {
    const holder = island.start('host', 'python3', '-m', 'http.server', '28350', '--bind', '0.0.0.0')
    await until('somebody has the port', () => island.host(...curl, 'http://127.0.0.1:28350/').status === 0)
    const { status, stderr } = island.run(['run', '--rm', '-p', '28350:80', IMAGE, 'true'])
    assert.equal(status, 125)
    assert.match(stderr, /^coracle: Bind for 0\.0\.0\.0:28350 failed: port is already allocated$/m)
    holder.kill()
    assert.equal(island.output('ps', '-aq'), '')
    island.output('network', 'prune', '-f')
    assert.equal(island.state(), state)
  })

  it('of a container whose supervisor was killed lead nowhere, and to the next one that has them', async () => {
    const first = inhabit(island, 'first', ['-p', '28351:80'])
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${first.pid}/status`, 'utf8'))?.[1])
    process.kill(parent, 'SIGKILL')
    await until('the container is known to be dead', () => island.output('ps', '-q') === '')
    const second = serve('second')
    await answers(second)
    assert.equal(second.ip, first.ip)
    assert.ok(!fromHost('127.0.0.1:28351'))
    island.output('rm', '-f', 'second')
    await answers(serve('third', '-p', '28351:80'))
    assert.ok(fromMachine(`${HOST.four}:28351`))
  })

  it('are on loopback alone when the setting or the network says so, or where a flag says otherwise', async () => {
    const env = { CORACLE_PUBLISH_ADDRESS: '127.0.0.1' }
    const run = (...args: string[]) => assert.equal(island.run(['run', '-d', ...args, IMAGE, ...SERVER], env).status, 0)
    run('--name', 'web', '-p', '28352:80', '-p', '0.0.0.0:28353:80')
    assert.equal(island.output('port', 'web'), '80/tcp -> 0.0.0.0:28353\n80/tcp -> 127.0.0.1:28352')
    await until('the server answers', () => fromHost('127.0.0.1:28352'))
    assert.ok(!fromMachine(`${HOST.four}:28352`))
    assert.ok(fromMachine(`${HOST.four}:28353`))
    island.output('network', 'create', '-o', `com.docker.network.bridge.host_binding_ipv4=${HOST.four}`, 'bound')
    run('--name', 'bound', '--network', 'bound', '-p', '28354:80')
    assert.equal(island.output('port', 'bound'), `80/tcp -> ${HOST.four}:28354`)
    const bad = island.run(['run', '--rm', '-p', '28355:80', IMAGE, 'true'], { CORACLE_PUBLISH_ADDRESS: 'lo' })
    assert.equal(bad.status, 125)
    assert.match(bad.stderr, /CORACLE_PUBLISH_ADDRESS/)
  })

  it('cannot be had by IPv6 where the container has none', () => {
    for (const [address, message] of [
      [`[${HOST.six}]:`, /the container's network has no IPv6/],
      ['[::1]:', /the kernel forwards nothing from there/],
    ] as const) {
      const { status, stderr } = island.run(['run', '--rm', '-p', `${address}28356:80`, IMAGE, 'true'])
      assert.equal(status, 125)
      assert.match(stderr, message)
    }
    assert.equal(island.output('ps', '-aq'), '')
    island.output('network', 'prune', '-f')
  })

  it("obey the host's rules for input, by IPv4 and IPv6, where it has any or the network is told to", async () => {
    const own = (rule: string) => assert.equal(island.host('nft', rule).stderr, '')
    const patient = ['curl', '-s', '--max-time', '10']
    const reaches = (address: string) => /root/.test(island.machine(...patient, page(address)).stdout)
    own('add table inet own; add chain inet own in { type filter hook input priority 0; }')
    for (const [network, told] of [
      ['obedient', ['-o', 'coracle.publish.input=true']],
      ['watchful', []],
    ] as const) {
      if (network === 'watchful') own('add rule inet own in tcp dport 28372 drop')
      island.output('network', 'create', '--ipv6', ...told, network)
      const flags = ['-p', '28370:80', '-p', `${HOST.four}:28371:80`, '-p', '28372:80']
      await answers(serve('web', '--network', network, ...flags))
      if (network === 'obedient') own('add rule inet own in tcp dport 28372 drop')
      for (const address of [`${HOST.four}:28370`, `${HOST.four}:28371`, `[${HOST.six}]:28370`]) {
        assert.ok(reaches(address), address)
        assert.ok(fromMachine(address), `${address}, at once now`)
      }
      assert.ok(!fromMachine(`${HOST.four}:28372`))
      assert.ok(!fromMachine(`[${HOST.six}]:28372`))
      for (const port of [28370, 28372]) assert.ok(fromHost(`127.0.0.1:${port}`), 'the host itself is not asked')
      own('flush chain inet own in')
      assert.ok(reaches(`${HOST.four}:28372`))
      island.output('rm', '-f', 'web')
      assert.doesNotMatch(island.host('nft', 'list', 'ruleset').stdout, /elements = \{ 2837/)
    }
    own('delete table inet own')
  })

  it("obey what the host's own rules forbid to be forwarded, by the port that others see", async () => {
    const web = serve('web', '-p', '28357:80', '-p', '28358:80')
    await answers(web)
    const own = (rule: string) => assert.equal(island.host('nft', rule).stderr, '')
    own('add table inet own; add chain inet own out { type filter hook forward priority 10; }')
    own('add rule inet own out meta l4proto tcp ct original proto-dst 28357 drop')
    assert.ok(!fromMachine(`${HOST.four}:28357`))
    assert.ok(fromMachine(`${HOST.four}:28358`))
    own('flush chain inet own out')
    const documented = (address: string) =>
      `add rule inet own out meta l4proto tcp ct original proto-dst 28357 ct original ip saddr != ${address} drop`
    own(documented(MACHINE.four))
    assert.ok(fromMachine(`${HOST.four}:28357`))
    own(documented('192.0.2.7'))
    assert.ok(!fromMachine(`${HOST.four}:28357`))
    own('flush chain inet own out; add chain inet own out { policy drop; }')
    assert.ok(!fromMachine(`${HOST.four}:28358`), 'no forwarding at all')
    own('add rule inet own out ct state established,related accept')
    own('add rule inet own out meta l4proto tcp ct original proto-dst 28358 accept')
    assert.ok(fromMachine(`${HOST.four}:28358`))
    assert.ok(!fromMachine(`${HOST.four}:28357`))
    own('delete table inet own')
  })
})
