import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { before, describe, it } from 'mocha'
import { readExitRecord } from '../../src/linux/exit-record.ts'
import type { LaunchPlan } from '../../src/linux/plan.ts'
import { encodeSuperviseOptions } from '../../src/linux/supervisor.ts'
import { writeResolverConfig } from '../../src/network/names/files.ts'
import { resolverRules } from '../../src/network/names/rules.ts'
import { assertClean, fileSystem, type Native, needsSanitizers, sanitizedNative } from '../support/native.ts'
import { needsRoot } from '../support/needs-root.ts'
import { scratchDirectory } from '../support/scratch.ts'

const PLANS = 80

/** A step of every kind. Nothing in it could harm, wherever it is done. */
function everyStep(path: (name: string) => string): LaunchPlan {
  const root = path('root')
  return {
    namespaces: ['pid', 'mount', 'network', 'ipc', 'uts'],
    before: [
      { do: 'write', path: '/no/such/file', text: 'x', optional: true },
      { do: 'oom-file', path: '/no/such/file' },
      { do: 'bridge', name: 'cb-fuzz', addresses: ['10.9.0.1/24', 'fd09::1/64'], mtu: 1400 },
      { do: 'hold-port', protocol: 'tcp', address: '10.9.0.1', port: 80 },
    ],
    after: [
      { do: 'oom-score', value: 100 },
      {
        do: 'veth',
        host: 'cv-fuzz',
        container: 'eth0',
        bridge: 'cb-fuzz',
        mac: '02:42:0a:09:00:02',
        mtu: 1400,
        group: 7,
      },
      { do: 'rate', link: 'cv-fuzz', shaper: 'ci-fuzz', egressBits: 1e7, ingressBits: 1e7 },
      {
        do: 'sublink',
        kind: 'macvlan',
        parent: 'cb-fuzz',
        container: 'eth1',
        mode: 'private',
        mac: '02:42:0a:09:00:03',
      },
      { do: 'link-delete', link: 'no-such-link' },
      { do: 'net-rules', nft: '/usr/sbin/nft', text: resolverRules(61_000, { allow: [], deny: [] }) },
      { do: 'resolver', directory: path('names'), port: 61_000, names: path('names'), filter: true },
    ],
    child: [
      { do: 'propagation', path: '/', value: 'rprivate' },
      { do: 'root-bind', at: root, source: root },
      { do: 'loopback-up' },
      { do: 'address', link: 'eth0', address: '10.9.0.2/24' },
      { do: 'link-up', link: 'eth0' },
      { do: 'route', destination: 'default', gateway: '10.9.0.1', link: 'eth0' },
      { do: 'route', destination: '10.10.0.0/16', link: 'eth0' },
      { do: 'hostname', name: 'fuzz' },
      { do: 'domainname', name: 'fuzz' },
      fileSystem('tmpfs', '/dev', 'mode=755'),
      fileSystem('proc', '/proc'),
      { do: 'mkdir', target: '/dev/deep/er', mode: 0o755, uid: 0, gid: 0 },
      { do: 'symlink', target: '/dev/deep/link', to: 'er' },
      {
        do: 'mknod',
        target: '/dev/null',
        type: 'c',
        major: 1,
        minor: 3,
        mode: 0o666,
        uid: 0,
        gid: 0,
        bindFrom: '/dev/null',
      },
      { do: 'sysctl', key: 'net.ipv4.ip_default_ttl', value: '42' },
      { do: 'mask', target: '/proc/tty' },
      { do: 'read-only', target: '/proc/sys' },
      { do: 'remount', target: '/dev', set: ['nosuid'], clear: [], recursive: true },
      { do: 'unshare', kinds: ['cgroup'] },
      { do: 'move-root', at: root },
      { do: 'rlimit', resource: 'RLIMIT_NOFILE', soft: 100, hard: 100 },
      { do: 'keyring', name: 'fuzz' },
      { do: 'session', terminal: false },
      { do: 'cwd', path: '/dev/new', create: true, uid: 0, gid: 0 },
      { do: 'user', uid: 0, gid: 0, groups: undefined },
      { do: 'capabilities', bounding: 1n, effective: 1n, permitted: 1n, inheritable: 0n, ambient: 0n },
      { do: 'no-new-privileges' },
      { do: 'personality', persona: 0 },
      { do: 'init' },
      { do: 'exec', file: 'busybox', argv: ['busybox', 'true'], env: ['PATH=/'] },
    ],
  }
}

type Edit = (copy: Buffer) => Buffer

/** Bytes changed, cut out, doubled: what a decoder that trusted a length or a count would stumble over. */
function mutations(bytes: Buffer): fc.Arbitrary<Buffer> {
  const at = fc.nat(bytes.length - 1)
  const value = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff))
  const change = fc.record({ at, value }).map(({ at: index, value: byte }): Edit => {
    return (copy) => copy.fill(byte, index % copy.length, (index % copy.length) + 1)
  })
  const part = fc.record({ at, size: fc.nat(64) })
  const cut = part.map(({ at: from, size }): Edit => {
    return (copy) => Buffer.concat([copy.subarray(0, from), copy.subarray(from + size)])
  })
  const double = part.map(({ at: from, size }): Edit => {
    return (copy) => Buffer.concat([copy.subarray(0, from + size), copy.subarray(from)])
  })
  const edits = fc.array(fc.oneof({ weight: 6, arbitrary: change }, cut, double), { minLength: 1, maxLength: 4 })
  return edits.map((list) =>
    list.reduce<Buffer>((copy, edit) => (copy.length > 0 ? edit(copy) : copy), Buffer.from(bytes)),
  )
}

describe('the decoder of plans', () => {
  before(function () {
    needsRoot(this)
    needsSanitizers(this)
  })

  it('reads nothing that is not there, whatever it is given', async function () {
    const { directory, path } = await openArena()
    writeResolverConfig(path('names'), { networks: ['net1'], upstreams: [], internal: true })
    const { env } = sanitizedNative(path('report'))
    const options = {
      plan: everyStep(path),
      runDirectory: path('run'),
      stateDirectory: path('run'),
      openStdin: true,
      stdinOnce: true,
    }
    const whole = encodeSuperviseOptions(options)
    const supervise = (plan: Buffer) => runAsNobody([join(directory, 'native'), 'supervise'], { input: plan, env })

    const { stderr } = supervise(whole)
    if (/unshare failed|not permitted/.test(stderr)) {
      console.log('skipped: this host lets nobody make user namespaces')
      this.skip()
    }
    const record = readExitRecord(path('run'))
    assert.deepEqual([record?.status, record?.error], [0, undefined], 'every step of the whole plan succeeds')

    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    for (const plan of fc.sample(fc.oneof({ weight: 9, arbitrary: mutations(whole) }, random), PLANS)) {
      const { error } = supervise(plan)
      assert.equal(error, undefined, `no end in sight: ${plan.toString('base64')}`)
      assertClean(path('report'))
    }
  })
})

/** Directories that nobody may write to, and a copy of the program that nobody may run. */
async function openArena() {
  const directory = await scratchDirectory('coracle-fuzz-')
  const path = (name: string) => join(directory, name)
  chmodSync(directory, 0o755)
  for (const name of ['root', 'root/dev', 'root/proc', 'run', 'report', 'names']) {
    mkdirSync(path(name))
    chmodSync(path(name), 0o777)
  }
  copyFileSync('/bin/busybox', path('root/busybox'))
  copyFileSync(sanitizedNative('').argv[0], path('native'))
  return { directory, path }
}

/** As nobody, in namespaces of its own: a plan gone wrong finds nothing that it could harm. */
function runAsNobody(argv: readonly string[], { input, env }: { input: Buffer; env: Native['env'] }) {
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs']
  const namespaces = ['user', 'mount', 'pid', 'net', 'ipc', 'uts'].map((kind) => `--${kind}`)
  const unshare = ['unshare', '--map-root-user', ...namespaces, '--fork', '--kill-child', '--mount-proc']
  return spawnSync('setpriv', [...nobody, ...unshare, ...argv], {
    input,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 9000,
    killSignal: 'SIGKILL',
  })
}
