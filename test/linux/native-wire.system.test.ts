import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, it } from 'mocha'
import { encodeChildStep } from '../../src/linux/encode-child-step.ts'
import { encodeHostStep } from '../../src/linux/encode-plan.ts'
import type { ChildStep, HostStep } from '../../src/linux/plan.ts'
import { WireWriter } from '../../src/linux/wire-writer.ts'
import { readProcessIdentity } from '../../src/util/process-identity.ts'
import { describeNative, type Native } from '../support/native.ts'
import { until } from '../support/until.ts'

const MAC = '02:42:0a:09:00:02'
const bridge: HostStep = { do: 'bridge', name: 'cb-test', addresses: ['10.9.0.1/24', 'fd09::1/64'] }
const veth: HostStep = { do: 'veth', host: 'cv-test', container: 'eth0', bridge: 'cb-test', mac: MAC, group: 7 }
const rate: HostStep = { do: 'rate', link: 'cv-test', shaper: 'ci-test', egressBits: 8e6, ingressBits: 16e6 }
const macvlan: HostStep = { do: 'sublink', kind: 'macvlan', parent: 'cb-test', container: 'eth1', mode: 'bridge' }
const address: ChildStep = { do: 'address', link: 'eth0', address: '10.9.0.2/24' }
const up: ChildStep = { do: 'link-up', link: 'eth0' }

describeNative('wiring a container up', (native) => {
  let host: ChildProcess
  let container: ChildProcess

  beforeEach(async () => {
    host = await apart()
    container = await apart()
  })
  afterEach(() => {
    for (const child of [host, container]) child.kill('SIGKILL')
  })

  const inside = (child: ChildProcess, ...words: string[]) =>
    spawnSync('nsenter', ['-t', String(child.pid), '-n', ...words], { encoding: 'utf8' }).stdout
  const links = (child: ChildProcess) =>
    inside(child, 'ip', '-o', 'link')
      .match(/(?<=^\d+: )[^:@]+/gm)
      ?.filter((name) => name !== 'lo') ?? []
  const plan = (steps: readonly HostStep[], child: readonly ChildStep[] = []) => {
    const writer = new WireWriter()
    for (const step of steps) encodeHostStep(writer, step)
    for (const step of child) encodeChildStep(writer, step)
    return writer.finish()
  }
  const words = () => {
    const identity = readProcessIdentity(container.pid ?? 0)
    return [String(identity?.pid), String(identity?.startTime)]
  }
  const send = (input: Buffer, target: readonly string[] = words()) => wire(native(), host, { target, input })
  const done = (steps: readonly HostStep[], child: readonly ChildStep[] = []) =>
    assert.deepEqual(send(plan(steps, child)), { status: 0, stdout: '' })
  const refused = (pattern: RegExp, steps: readonly HostStep[], child: readonly ChildStep[] = []) => {
    const { status, stdout } = send(plan(steps, child))
    assert.equal(status, 1)
    assert.match(stdout, pattern)
  }

  it('makes a bridge, a pair of links, addresses and routes, and takes them away with the host’s end', () => {
    const route: ChildStep = { do: 'route', destination: 'default', gateway: '10.9.0.1', link: 'eth0' }
    done([bridge, veth], [address, { ...address, address: 'fd09::2/64' }, up, route])
    assert.deepEqual(links(host), ['cb-test', 'cv-test'])
    assert.match(inside(container, 'ip', 'route'), /default via 10\.9\.0\.1 dev eth0/)
    assert.match(
      inside(container, 'ip', 'address', 'show', 'eth0'),
      /10\.9\.0\.2\/24 brd 10\.9\.0\.255[\s\S]*fd09::2\/64/,
    )
    assert.match(inside(container, 'ip', 'link', 'show', 'eth0'), new RegExp(`${MAC}.*link-netnsid`))
    assert.match(inside(container, 'busybox', 'ping', '-c', '1', '-W', '2', '10.9.0.1'), /1 packets received/)
    done([
      { do: 'link-delete', link: 'cv-test' },
      { do: 'link-delete', link: 'cb-test' },
    ])
    assert.deepEqual([...links(host), ...links(container)], [])
  })

  it('makes again what is there without complaint, where that is promised', () => {
    const direct: ChildStep = { do: 'route', destination: '0.0.0.0/0', link: 'eth0' }
    done([bridge, bridge, veth, rate, rate], [address, address, up, up, direct, direct])
    done([bridge, rate, { ...rate, egressBits: 0 }, { ...rate, egressBits: 0, ingressBits: 0 }], [address])
    assert.deepEqual(links(host), ['cb-test', 'cv-test'])
    done([{ do: 'link-delete', link: 'gone' }], [{ do: 'link-delete', link: 'gone' }])
    refused(/make veth\tcv-test\t17\t/, [veth])
  })

  it('limits both directions on the host’s side alone', () => {
    done([bridge, veth, rate])
    const queues = inside(host, 'tc', 'qdisc', 'show')
    assert.match(queues, /tbf 1: dev cv-test root .* rate 16Mbit/)
    assert.match(queues, /tbf 1: dev ci-test root .* rate 8Mbit/)
    assert.match(inside(host, 'tc', 'filter', 'show', 'dev', 'cv-test', 'ingress'), /Egress Redirect to device ci-test/)
    assert.doesNotMatch(inside(container, 'tc', 'qdisc', 'show'), /tbf|ingress/)
    done([{ ...rate, egressBits: 0, ingressBits: 0 }])
    assert.doesNotMatch(inside(host, 'tc', 'qdisc', 'show'), /tbf|ingress/)
    assert.deepEqual(links(host), ['cb-test', 'cv-test'])
  })

  it('puts links below one of the host, and removes them from where they are', () => {
    done([bridge, macvlan])
    assert.match(inside(container, 'ip', '-d', 'link', 'show', 'eth1'), /macvlan mode bridge/)
    done([], [{ do: 'link-delete', link: 'eth1' }])
    assert.deepEqual(links(container), [])
  })

  it('refuses names that are none', () => {
    for (const name of ['', 'a/b', '../x', 'sixteen-letters.', 'x'.repeat(1000)]) {
      refused(/decode/, [{ ...bridge, name }])
      refused(/decode/, [bridge, { ...veth, host: name }])
      refused(/decode/, [bridge, { ...veth, container: name }])
      refused(/decode/, [bridge, { ...veth, bridge: name }])
      refused(/decode/, [{ do: 'link-delete', link: name }])
      refused(/decode/, [{ ...rate, link: name }])
      refused(/decode/, [{ ...rate, shaper: name }])
      refused(/decode/, [{ ...macvlan, parent: name }])
      refused(/decode/, [{ ...macvlan, container: name }])
      refused(/decode/, [], [{ ...address, link: name }])
      refused(/decode/, [], [{ do: 'link-up', link: name }])
      refused(/decode/, [], [{ do: 'link-delete', link: name }])
    }
    assert.deepEqual(links(container), [])
  })

  it('refuses addresses that are none, and routes that mix what does not belong together', () => {
    done([bridge, veth], [address, up])
    for (const text of [
      '',
      'x',
      '10.0.0.1/',
      '10.0.0.1/-1',
      '10.0.0.1/33',
      '10.0.0.1/+8',
      '10.0.0.1/8 ',
      'fd00::1/129',
      '1'.repeat(500),
    ]) {
      refused(/decode/, [{ ...bridge, addresses: [text] }])
      refused(/decode/, [], [{ ...address, address: text }])
    }
    for (const mac of ['', '02:42', '02:42:0a:09:00:zz', `${MAC}:00`, `${MAC} `]) refused(/decode/, [{ ...veth, mac }])
    const mixtures: Partial<Extract<ChildStep, { do: 'route' }>>[] = [
      { destination: 'fd00::/8', gateway: '10.9.0.1' },
      { destination: '10.0.0.0/8', gateway: 'fd09::1' },
      { destination: 'default', link: 'eth0' },
      { destination: '10.0.0.0/8' },
      { destination: 'x', gateway: '10.9.0.1' },
    ]
    for (const route of mixtures) refused(/decode/, [], [{ do: 'route', destination: 'default', ...route }])
  })

  it('says of a link that is not there which one', () => {
    refused(/if_nametoindex\tgone\t19\t/, [{ ...veth, bridge: 'gone' }])
    refused(/if_nametoindex\tgone\t19\t/, [{ ...rate, link: 'gone' }])
    refused(/if_nametoindex\tgone\t19\t/, [{ ...macvlan, parent: 'gone' }])
    refused(/if_nametoindex\tgone\t19\t/, [], [{ do: 'link-up', link: 'gone' }])
  })

  it('does nothing in the name of a process that is not the one meant', () => {
    const [pid = '', start = ''] = words()
    const dead = spawnSync('true').pid
    for (const target of [
      [pid, String(Number(start) + 1)],
      [pid, ''],
      [String(dead), start],
      ['', start],
      ['0', start],
      ['-1', start],
      ['x', start],
      ['99999999999999', start],
    ]) {
      const { status, stdout } = send(plan([bridge], [{ do: 'link-up', link: 'lo' }]), target)
      assert.deepEqual([status, /pidfd_open/.test(stdout)], [1, true], target.join(' '))
    }
    assert.deepEqual(links(host), [])
  })

  it('enters no namespace without being told which, and takes nothing but steps of links there', () => {
    assert.match(send(plan([], [up]), []).stdout, /setns/)
    refused(/there is no such step of links/, [], [{ do: 'hostname', name: 'taken' }])
    refused(/there is no such step of links/, [], [{ do: 'move-root', at: '/' }])
    const mixed = Buffer.concat([plan([], [{ do: 'link-up', link: 'lo' }]), plan([bridge])])
    assert.equal(send(mixed).status, 1, 'no step of the host after those of the container')
    assert.deepEqual(links(host), [])
    assert.equal(wire(native(), host, { target: ['1'], input: plan([]) }).status, 2)
  })

  it('refuses plans that break off, wherever they do', () => {
    const whole = plan([bridge])
    for (let size = 1; size < whole.length; size += 1)
      assert.match(send(whole.subarray(0, size), []).stdout, /decode/, String(size))
    assert.deepEqual(links(host), [])
    assert.deepEqual(send(Buffer.alloc(0)), { status: 0, stdout: '' })
    assert.match(send(Buffer.alloc((1 << 20) + 1, 1)).stdout, /it is too long/)
  })

  it('stays in one piece whatever else it is told', () => {
    const whole = plan([bridge, veth, rate, macvlan], [address, up])
    const change = fc.tuple(fc.nat(whole.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0xff)))
    for (const changes of fc.sample(fc.array(change, { minLength: 1, maxLength: 3 }), 40)) {
      const copy = Buffer.from(whole)
      // Not the codes: another step might be one that is no step of links, and this is done as root.
      for (const [at, value] of changes) if (!isCode(whole, at)) copy[at] = value
      assert.ok([0, 1].includes(send(copy).status ?? -1))
    }
  })
})

/** Whether a byte belongs to the code of one of a plan's records. */
function isCode(plan: Buffer, at: number): boolean {
  for (let start = 0; start < plan.length; start += 8 + plan.readUInt32LE(start + 4))
    if (at >= start && at < start + 8) return true
  return false
}

/** A process with a network namespace of its own. */
async function apart(): Promise<ChildProcess> {
  const child = spawn('unshare', ['-n', 'sleep', '300'], { stdio: 'ignore' })
  const own = readlinkSync('/proc/self/ns/net')
  await until('it has a namespace of its own', () => {
    try {
      return readlinkSync(`/proc/${child.pid}/ns/net`) !== own
    } catch {
      return false
    }
  })
  return child
}

interface Order {
  readonly target: readonly string[]
  readonly input: Buffer
}

function wire({ argv, env }: Native, host: ChildProcess, { target, input }: Order) {
  const words = ['-t', String(host.pid), '-n', ...argv, 'wire', ...target]
  const { status, stdout } = spawnSync('nsenter', words, {
    input,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, stdout: stdout.trimEnd() }
}
