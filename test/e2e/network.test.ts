import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

let coracle: Coracle
let host: string

/** Bridges that were there before this run of the tests: a run that was killed has left them, and nobody takes them down meanwhile. */
const foreign = new Set(bridges())

function bridges(): string[] {
  return readdirSync('/sys/class/net').filter((name) => name.startsWith('cb-'))
}

/** Of this host, as far as it belongs to nobody's containers for good: links of ours that come and go are other tests'. */
function hostState(): string {
  const words = [
    ['ip', '-d', '-o', 'link'],
    ['ip', 'route'],
    ['nft', 'list', 'ruleset'],
  ] as const
  const shown = words.map(([program, ...args]) => spawnSync(program, args, { encoding: 'utf8' }).stdout)
  return [...shown, readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')].join('\n')
}

const output = (...args: string[]) => coracle.output(...args)
const addressOf = (name: string) =>
  output('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name)
const background = (name: string, ...flags: string[]) =>
  output('run', '-d', '--name', name, ...flags, IMAGE, 'sleep', '300')
const reaches = (name: string, address: string) =>
  coracle.run(['exec', name, 'ping', '-c', '1', '-W', '1', address]).status === 0

describe('networks', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  beforeEach(async () => {
    await until('nothing of other tests lingers', () => bridges().every((name) => foreign.has(name)))
    host = hostState()
  })
  afterEach(async () => {
    coracle.clear()
    await until(
      'the host is as it was',
      () => hostState() === host,
      () => `${host}\n---\n${hostState()}`,
    )
    assert.equal(hostState(), host)
  })
  after(() => coracle?.close())

  it('let three containers talk by address, and have an address of the subnet, a MAC made of it and a way out', () => {
    for (const name of ['one', 'two', 'three']) background(name)
    const addresses = ['one', 'two', 'three'].map(addressOf)
    assert.equal(new Set(addresses).size, 3)
    for (const from of ['one', 'two', 'three'])
      for (const to of addresses) assert.ok(reaches(from, to), `${from} ${to}`)
    const [network] = JSON.parse(output('network', 'inspect', 'bridge'))
    const gateway = network.IPAM.Config[0].Gateway
    assert.match(output('exec', 'one', 'ip', 'route'), new RegExp(`default via ${gateway} dev eth0`))
    assert.deepEqual(
      Object.values(network.Containers as Record<string, { Name: string }>)
        .map(({ Name }) => Name)
        .sort(),
      ['one', 'three', 'two'],
    )
    const hosts = output('exec', 'one', 'cat', '/etc/hosts')
    assert.match(hosts, new RegExp(`^${addresses[0]}\t${output('exec', 'one', 'hostname')}$`, 'm'))
  })

  it('are isolated from each other, until a running container is connected to both', () => {
    output('network', 'create', 'left')
    output('network', 'create', 'right')
    background('one', '--network', 'left')
    background('two', '--network', 'right')
    assert.ok(!reaches('one', addressOf('two')))
    output('network', 'connect', 'right', 'one')
    assert.ok(reaches('one', addressOf('two')))
    assert.match(output('ps', '--format', '{{.Names}} {{.Networks}}', '--filter', 'network=left'), /^one left,right$/)
    output('network', 'disconnect', 'right', 'one')
    assert.ok(!reaches('one', addressOf('two')))
    const refused = coracle.run(['network', 'rm', 'left'])
    assert.match(refused.stderr, /has active endpoints/)
  })

  it('give the address that is asked for, in the subnet that is asked for, and refuse what is taken', () => {
    output('network', 'create', '--subnet', '10.213.0.0/24', '--ip-range', '10.213.0.128/25', 'own')
    background('one', '--network', 'name=own,ip=10.213.0.7,alias=db')
    background('two', '--network', 'own')
    assert.equal(addressOf('one'), '10.213.0.7')
    assert.equal(addressOf('two'), '10.213.0.128')
    const taken = coracle.run(['run', '--rm', '--network', 'own', '--ip', '10.213.0.7', IMAGE, 'true'])
    assert.equal(taken.status, 125)
    assert.match(taken.stderr, /Address already in use/)
    const overlapping = coracle.run(['network', 'create', '--subnet', '10.213.0.0/16', 'other'])
    assert.match(overlapping.stderr, /overlaps with other one/)
  })

  it('that are internal lead nowhere', () => {
    output('network', 'create', '--internal', 'inner')
    background('one', '--network', 'inner')
    background('two', '--network', 'inner')
    assert.ok(reaches('one', addressOf('two')))
    assert.doesNotMatch(output('exec', 'one', 'ip', 'route'), /default/)
  })

  it('publish ports, and hold them: a second container on the same one is refused', async () => {
    output('run', '-d', '--name', 'web', '-p', '127.0.0.1:28231:80', IMAGE, 'httpd', '-f', '-p', '80', '-h', '/etc')
    const fetched = () =>
      spawnSync('curl', ['-s', '--max-time', '2', 'http://127.0.0.1:28231/passwd'], { encoding: 'utf8' })
    await until('the server answers', () => /root/.test(fetched().stdout))
    assert.match(fetched().stdout, /root/)
    assert.equal(output('port', 'web'), '80/tcp -> 127.0.0.1:28231')
    assert.equal(output('ps', '--format', '{{.Ports}}'), '127.0.0.1:28231->80/tcp')
    const second = coracle.run(['run', '--rm', '-p', '28231:80', IMAGE, 'true'])
    assert.equal(second.status, 125)
    assert.match(second.stderr, /port is already allocated/)
  })

  it('give thirty containers that start at once thirty addresses', async () => {
    const children = Array.from({ length: 30 }, () =>
      coracle.start(['run', '-d', '--label', 'crowd', IMAGE, 'sleep', '300']),
    )
    await Promise.all(children.map((child) => new Promise((resolve) => child.once('close', resolve))))
    const [{ Containers }] = JSON.parse(output('network', 'inspect', 'bridge'))
    const addresses = Object.values(Containers as Record<string, { IPv4Address: string }>)
    assert.equal(new Set(addresses.map(({ IPv4Address }) => IPv4Address)).size, 30)
  })

  it('keep connections on one network while a container joins and leaves others', async () => {
    for (const name of ['stays', 'goes']) output('network', 'create', name)
    output('run', '-d', '-i', '--name', 'server', '--network', 'stays', IMAGE, 'nc', '-l', '-p', '7000')
    const ticks = 'while :; do echo tick; sleep 0.05; done | nc server 7000'
    output('run', '-d', '--name', 'client', '--network', 'stays', IMAGE, 'sh', '-c', ticks)
    const received = () => output('logs', 'server').split('\n').length
    await until('the first words arrive', () => received() > 2)
    for (let round = 0; round < 3; round++) {
      for (const name of ['server', 'client']) output('network', 'connect', 'goes', name)
      for (const name of ['server', 'client']) output('network', 'disconnect', 'goes', name)
    }
    const before = received()
    await until('more arrives by the same connection', () => received() > before + 5)
    output('rm', '-f', 'server', 'client')
    output('network', 'rm', 'stays', 'goes')
  })

  it('leave nothing when the supervisor of a container is killed', async () => {
    const id = background('one')
    const pid = Number(output('inspect', '--format', '{{.State.Pid}}', id))
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    process.kill(parent, 'SIGKILL')
    await until('the container is known to be dead', () => coracle.run(['ps', '-q']).stdout === '')
    await until('the host is as it was', () => hostState() === host)
  })

  it('go also when the data root is removed while they linger', async () => {
    const directory = join(coracle.directory, 'short-lived')
    const env = { CORACLE_ROOT: join(directory, 'root'), CORACLE_RUN: join(directory, 'run') }
    coracle.run(['import', join(coracle.directory, 'busybox.tar'), IMAGE], { env })
    assert.equal(coracle.run(['run', '--rm', IMAGE, 'true'], { env }).status, 0)
    assert.notEqual(hostState(), host)
    rmSync(directory, { recursive: true })
    await until('the host is as it was', () => hostState() === host)
    assert.ok(!existsSync(directory))
  })

  it('are told of in events', () => {
    output('network', 'create', 'told')
    output('run', '--rm', '--network', 'told', IMAGE, 'true')
    output('network', 'rm', 'told')
    const told = output(
      'events',
      '--since',
      '1m',
      '--until',
      '0s',
      '--filter',
      'network=told',
      '--format',
      '{{.Action}}',
    )
    assert.deepEqual(told.split('\n'), ['create', 'connect', 'disconnect', 'destroy'])
  })
})
