import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { readProcessIdentity } from '../../src/util/process-identity.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { makeUser, removeUser } from '../support/ordinary-user.ts'
import { makeOwnHost, type OwnHost } from '../support/own-host.ts'
import { until } from '../support/until.ts'

const USER = 'coracle-e2e-net'
const UDP_SERVER = `${packageRoot}/test/support/udp-server.ts`

let host: OwnHost
let coracle: Coracle

const output = (...args: string[]) => coracle.output(...args)
const served = (url: string) => host.run('curl', '-s', '--max-time', '2', url).stdout
const inside = (flags: readonly string[], script: string) =>
  coracle.run(['run', '--rm', ...flags, IMAGE, 'sh', '-c', script]).stdout

/** What is got of /etc/passwd at these addresses. A connection closed on one side only is too much for some pasta. */
function fetched(flags: readonly string[], port: number, ...addresses: readonly string[]): string {
  const ask = (address: string) =>
    `printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' >&3; timeout 2 nc -w 1 ${address} ${port} <&3`
  return inside(flags, ['mkfifo /f', 'exec 3<>/f', ...addresses.map(ask)].join('; '))
}

const field = (name: string, format: string) => output('inspect', '--format', format, name)

/** A server of /etc there, once it answers. */
async function serve(address: string, port: number): Promise<void> {
  host.start('busybox', 'httpd', '-f', '-p', `${address}:${port}`, '-h', '/etc')
  await until('the host serves', () => served(`http://${address}:${port}/passwd`).includes('root'))
}

/** In the network of a container, or of the host. */
async function serveUdp(words: readonly string[], container?: number): Promise<void> {
  const enter = container === undefined ? [] : ['nsenter', '--target', String(container), '--net']
  const server = host.start(...enter, process.execPath, UDP_SERVER, ...words)
  if (server.stdout !== null) await once(server.stdout, 'data')
}

async function web(flags: readonly string[], url: string): Promise<void> {
  output('run', '-d', '--name', 'web', ...flags, IMAGE, 'httpd', '-f', '-p', '80', '-h', '/etc')
  await until('the container serves', () => served(url).includes('root'))
}

/** The supervisor of a container, and the processes beside it. */
function family(name: string) {
  const pid = Number(field(name, '{{.State.Pid}}'))
  const supervisor = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  const { stdout } = spawnSync('ps', ['--ppid', String(supervisor), '-o', 'pid=,comm='], { encoding: 'utf8' })
  const children = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const find = (pattern: RegExp) => Number(children.find(([, comm = '']) => pattern.test(comm))?.[0])
  return { supervisor, helper: find(/^(?:passt|pasta|slirp)/), keeper: find(/^network-keeper/) }
}

const lives = (pid: number) => readProcessIdentity(pid) !== undefined

function describeHelper(helper: 'pasta' | 'slirp4netns'): void {
  const network = helper === 'pasta' ? [] : ['--network', helper]

  describe(`of an ordinary user by ${helper}`, () => {
    afterEach(() => {
      coracle.run(['rm', '-f', 'web', 'other'])
      assert.deepEqual(coracle.leftovers(), [])
    })

    it('lead out: to what listens on an address of the host, by its name, by tcp, ping and the name server', async () => {
      assert.match(fetched(network, 28_400, 'host.containers.internal'), /^root:/m)
      assert.match(fetched([...network, '--add-host', 'me:host-gateway'], 28_400, 'me'), /^root:/m)
      assert.match(inside(network, `ping -c 1 -W 2 ${host.address}`), /1 packets received/)
      assert.match(inside(network, 'nslookup any.example'), /203\.0\.113\.9/)
      assert.match(inside([...network, '--dns', '203.0.113.1'], 'cat /etc/resolv.conf'), /^nameserver 203.0.113.1$/m)
    })

    it('lead not to the loopback of the host, however it is addressed, unless that is asked for', async () => {
      const doors = ['127.0.0.1', '10.0.2.2', '10.0.2.3', '169.254.1.1', '169.254.1.2', 'host.containers.internal']
      const six = ['::1', 'fe80::1%eth0', '2001:db8::1', '::ffff:127.0.0.1']
      assert.equal(fetched(network, 28_401, ...doors, ...six), '')
      const open = helper === 'pasta' ? 'pasta:--map-gw' : 'slirp4netns:allow_host_loopback=true'
      assert.match(fetched(['--network', open], 28_401, 'host.containers.internal'), /^root:/m)
    })

    it('publish ports on all addresses of the host or on one, show them, and hold them', async () => {
      await web([...network, '-p', '28402:80', '-p', '127.0.0.1:28403:80'], 'http://127.0.0.1:28402/passwd')
      assert.match(served(`http://${host.address}:28402/passwd`), /root/)
      assert.match(served('http://127.0.0.1:28403/passwd'), /root/)
      assert.equal(served(`http://${host.address}:28403/passwd`), '')
      assert.equal(output('port', 'web'), '80/tcp -> 0.0.0.0:28402\n80/tcp -> 127.0.0.1:28403')
      const shown = output('ps', '--format', '{{.Networks}} {{.Ports}}')
      assert.equal(shown, `${helper} 0.0.0.0:28402->80/tcp, 127.0.0.1:28403->80/tcp`)
      const networks = JSON.parse(field('web', '{{json .NetworkSettings.Networks}}'))
      assert.equal(networks[helper].IPAddress, '10.0.2.100')
      assert.equal(output('exec', 'web', 'hostname', '-i'), '10.0.2.100')
      const taken = coracle.run(['run', '--name', 'other', ...network, '-p', '28402:80', IMAGE, 'true'])
      assert.equal(taken.status, 125)
      assert.match(taken.stderr, /Bind for 0.0.0.0:28402 failed: port is already allocated/)
      assert.match(served('http://127.0.0.1:28402/passwd'), /root/)
    })

    it('publish ports that nobody chose, and those of udp', async () => {
      const published = ['-p', '28409:28409/udp', '-p', '5353/udp']
      output('run', '-d', '--name', 'web', ...network, ...published, IMAGE, 'sleep', '300')
      const pid = Number(field('web', '{{.State.Pid}}'))
      for (const port of ['28409', '5353']) await serveUdp(['0.0.0.0', port], pid)
      const chosen = /^5353\/udp -> 0.0.0.0:(\d+)$/m.exec(output('port', 'web'))?.[1]
      // Without a way to the host's loopback slirp4netns has none back to it either.
      const doors = helper === 'pasta' ? [`28409, '127.0.0.1'`] : []
      for (const door of [...doors, `28409, '${host.address}'`, `${chosen}, '${host.address}'`]) {
        const ask = `const s = require('dgram').createSocket('udp4'); s.on('message', (m) => { console.log(String(m)); s.close() });
          s.send('hello', ${door}); setTimeout(() => process.exit(1), 5000).unref()`
        assert.equal(host.run(process.execPath, '-e', ask).stdout, 'hello\n', door)
      }
    })

    it('keep their ports over stop and start, and give them back in between', async () => {
      await web([...network, '-p', '28404:80'], 'http://127.0.0.1:28404/passwd')
      output('stop', '-t', '0', 'web')
      assert.equal(coracle.run(['port', 'web']).stdout, '')
      assert.equal(coracle.run(['run', '--rm', ...network, '-p', '28404:80', IMAGE, 'true']).status, 0)
      output('start', 'web')
      await until('it serves again', () => served('http://127.0.0.1:28404/passwd').includes('root'))
    })

    it('leave no program behind when the supervisor is killed, nor when its keeper is killed with it', async () => {
      await web([...network, '-p', '28405:80'], 'http://127.0.0.1:28405/passwd')
      const first = family('web')
      assert.ok(lives(first.helper) && lives(first.keeper))
      process.kill(first.supervisor, 'SIGKILL')
      await until(`${helper} ends by itself`, () => !lives(first.helper))
      output('start', 'web')
      const second = family('web')
      process.kill(second.keeper, 'SIGSTOP') // it has no say when both are killed
      process.kill(second.supervisor, 'SIGKILL')
      process.kill(second.keeper, 'SIGKILL')
      await until('the container is known to be dead', () => output('ps', '-q') === '')
      assert.ok(!lives(second.helper))
      assert.equal(coracle.run(['run', '--rm', ...network, '-p', '28405:80', IMAGE, 'true']).status, 0)
    })

    it('end with the program that carries them no later than with the container', async () => {
      output('run', '-d', '--name', 'web', ...network, IMAGE, 'sleep', '300')
      const { helper: program, keeper, supervisor } = family('web')
      process.kill(program, 'SIGKILL')
      await until('its keeper ends', () => !lives(keeper))
      assert.ok(lives(supervisor))
      assert.equal(output('exec', 'web', 'echo', 'on'), 'on')
    })
  })
}

describe('networks', function () {
  this.timeout(120_000)

  before(async function () {
    needsRoot(this)
    const user = makeUser(this, USER)
    host = await makeOwnHost()
    await Promise.all([serve(host.address, 28_400), serve('127.0.0.1', 28_401), serveUdp(['127.0.0.77', '53', 'dns'])])
    coracle = openCoracle(user, host.entrance(user))
  })
  after(() => {
    coracle?.close()
    host?.close()
    removeUser(USER)
  })

  describeHelper('pasta')
  describeHelper('slirp4netns')

  describe('of an ordinary user', () => {
    it('with a bridge are rows, and refused to containers, which are told of pasta', () => {
      output('network', 'create', 'mine')
      assert.match(output('network', 'ls', '--format', '{{.Name}}'), /^mine$/m)
      assert.equal(JSON.parse(output('network', 'inspect', 'mine'))[0].Name, 'mine')
      for (const name of ['mine', 'bridge']) {
        const { status, stderr } = coracle.run(['run', '--rm', '--network', name, IMAGE, 'true'])
        assert.equal(status, 125)
        assert.match(stderr, new RegExp(`network ${name} needs a bridge, which only root can make\n.*--network pasta`))
      }
      output('network', 'rm', 'mine')
    })

    it('refuse what only a bridge can do, rather than leave it out', () => {
      for (const flag of [
        '--allow-net=a.example',
        '--deny-net=a.example',
        '--network-rate=1mbit',
        '--link=a',
        '--ip=10.0.0.9',
      ]) {
        const { status, stderr } = coracle.run(['run', '--rm', flag, IMAGE, 'true'])
        assert.equal(status, 125, flag)
        assert.match(stderr, /bridge/, flag)
      }
    })

    it('take the options of podman, refuse others, and nobody may call a network like them', () => {
      const address = (...flags: string[]) => inside(flags, 'ip -o addr show eth0; cat /sys/class/net/eth0/mtu').trim()
      assert.match(address('--network', 'slirp4netns:cidr=10.9.0.0/24,mtu=1400'), / 10\.9\.0\.100\/24 .*\n1400$/s)
      assert.match(address('--network', 'pasta:-a,10.9.0.5,-n,24,-g,10.9.0.1,-m,1400'), / 10\.9\.0\.5\/24 .*\n1400$/s)
      const refused = (...args: string[]) => coracle.run(args).stderr
      assert.match(
        refused('run', '--network', 'slirp4netns:speed=high', IMAGE, 'true'),
        /unknown option for slirp4netns/,
      )
      assert.match(refused('run', '--network', 'pasta:--pid,/x', IMAGE, 'true'), /pasta cannot be given --pid/)
      assert.match(refused('run', '--rm', '--network', 'pasta:--no-such', IMAGE, 'true'), /pasta.*no-such/)
      assert.match(refused('network', 'create', 'pasta'), /not permitted on predefined pasta network/)
    })

    it('are none where /dev/net/tun is closed: that is silent, unless a port is asked for', async () => {
      const closed = await makeOwnHost({ tun: false })
      const id = (flag: string) => Number(spawnSync('id', [flag, USER], { encoding: 'utf8' }).stdout)
      const user = { uid: id('-u'), gid: id('-g') }
      const there = openCoracle(user, closed.entrance(user))
      try {
        const alone = there.run(['run', '--rm', IMAGE, 'ls', '/sys/class/net'])
        assert.deepEqual([alone.stdout, alone.stderr], ['lo\n', ''])
        const { status, stderr } = there.run(['run', '--rm', '-p', '28406:80', IMAGE, 'true'])
        assert.equal(status, 125)
        assert.match(stderr, /publishing a port needs \/dev\/net\/tun, which cannot be opened\n.*chmod 666/)
      } finally {
        there.close()
        closed.close()
      }
    })
  })

  it('of root go by pasta and slirp4netns as well, where that is asked for', async () => {
    const root = openCoracle(undefined, host.entrance())
    try {
      for (const [index, name] of ['pasta', 'slirp4netns'].entries()) {
        const port = 28_407 + index
        const server = ['httpd', '-f', '-p', '80', '-h', '/etc']
        root.output('run', '-d', '--rm', '--name', name, '--network', name, '-p', `${port}:80`, IMAGE, ...server)
        await until('it serves', () => served(`http://127.0.0.1:${port}/passwd`).includes('root'))
        root.output('rm', '-f', name)
      }
      assert.deepEqual(root.leftovers(), [])
    } finally {
      root.close()
    }
  })

  it('are there for containers of OCI runtimes too: a bridge, and pasta', async () => {
    const places = [
      { root: openCoracle(), flags: [], url: 'http://127.0.0.1:28410/passwd', entrance: [] },
      {
        root: openCoracle(undefined, host.entrance()),
        flags: ['--network', 'pasta'],
        url: `http://${host.address}:28410/passwd`,
        entrance: host.entrance(),
      },
    ]
    for (const { root, flags, url, entrance } of places) {
      try {
        const server = ['httpd', '-f', '-p', '80', '-h', '/etc']
        root.output('run', '-d', '--runtime', 'runc', ...flags, '--name', 'web', '-p', '28410:80', IMAGE, ...server)
        const [program = 'curl', ...words] = [...entrance, 'curl', '-s', '--max-time', '2', url]
        const fetch = () => spawnSync(program, words, { encoding: 'utf8' }).stdout
        await until('it serves', () => fetch().includes('root'))
        assert.match(root.output('exec', 'web', 'ls', '/sys/class/net'), /eth0/)
        root.output('rm', '-f', 'web')
        root.run(['network', 'prune', '-f'])
        assert.deepEqual(root.leftovers(), [])
      } finally {
        root.close()
      }
    }
  })
})
