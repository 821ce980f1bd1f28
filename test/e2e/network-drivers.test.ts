import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { after, before, describe, it } from 'mocha'
import { CLI } from '../support/cli.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { BRIDGE_DRIVER, writePackage } from '../support/npm-plugins.ts'
import { until } from '../support/until.ts'

let coracle: Coracle
let apart: ChildProcess

/** In a network namespace of the tests' own, where a wire leads from `near` to `far`: the host is left alone. */
const inside = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync('nsenter', ['-t', String(apart.pid), '-n', ...words], {
    env: coracle.env,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout: stdout.trimEnd(), stderr }
}
const run = (...args: string[]) => inside(CLI, ...args)
const output = (...args: string[]) => {
  const { status, stdout, stderr } = run(...args)
  assert.equal(status, 0, stderr)
  return stdout
}
const background = (name: string, ...flags: string[]) =>
  output('run', '-d', '--name', name, ...flags, IMAGE, 'sleep', '300')
const reaches = (name: string, address: string) => run('exec', name, 'ping', '-c', '1', '-W', '1', address).status === 0
const links = () => inside('ip', '-o', 'link').stdout

describe('networks below a link of the host', function () {
  this.timeout(120_000)

  before(async function () {
    needsRoot(this)
    coracle = openCoracle()
    apart = spawn('unshare', ['-n', 'sleep', '600'], { stdio: 'ignore' })
    const shown = (pid: string) => spawnSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' }).stdout
    await until('the namespace is made', () => ![shown('self'), ''].includes(shown(String(apart.pid))))
    const words = [
      'link add name near type veth peer name far',
      'link set near up',
      'link set far up',
      'link set lo up',
      'address add 10.77.0.1/24 dev far',
    ]
    for (const line of words) execFileSync('nsenter', ['-t', String(apart.pid), '-n', 'ip', ...line.split(' ')])
  })
  after(() => {
    coracle?.close()
    apart?.kill('SIGKILL')
  })

  it('give containers of a macvlan addresses and ways of their own on the wire, and nothing on the host', () => {
    const before = links()
    output('network', 'create', '-d', 'macvlan', '-o', 'parent=near', '--subnet', '10.77.0.0/24', 'wire')
    background('one', '--network', 'wire')
    background('two', '--network', 'wire', '--ip', '10.77.0.9', '--mac-address', '02:00:00:00:00:09')
    assert.ok(reaches('one', '10.77.0.1'), 'what is at the other end of the wire')
    assert.ok(reaches('one', '10.77.0.9'), 'each other')
    assert.match(output('exec', 'one', 'ip', 'route'), /default via 10\.77\.0\.1 dev eth0/)
    assert.match(output('exec', 'two', 'ip', 'link'), /02:00:00:00:00:09/)
    assert.equal(links(), before)
    assert.equal(output('network', 'ls', '--format', '{{.Driver}}', '--filter', 'name=wire'), 'macvlan')
    const [shown] = JSON.parse(output('network', 'inspect', 'wire'))
    assert.deepEqual(
      [shown.Driver, shown.Options, Object.keys(shown.Containers).length],
      ['macvlan', { parent: 'near' }, 2],
    )
    output('rm', '-f', 'one', 'two')
    assert.deepEqual(JSON.parse(output('network', 'inspect', 'wire'))[0].Containers, {})
    output('network', 'rm', 'wire')
  })

  it('are connected to and disconnected from while a container runs', () => {
    output(
      'network',
      'create',
      '-d',
      'macvlan',
      '-o',
      'parent=near',
      '-o',
      'macvlan_mode=private',
      '--subnet',
      '10.77.0.0/24',
      'wire',
    )
    background('one', '--network', 'none')
    for (const _ of ['once', 'again']) {
      output('network', 'connect', '--ip', '10.77.0.7', 'wire', 'one')
      assert.ok(reaches('one', '10.77.0.1'))
      output('network', 'disconnect', 'wire', 'one')
      assert.doesNotMatch(output('exec', 'one', 'ip', 'link'), /eth0/)
    }
    output('rm', '-f', 'one')
    output('network', 'rm', 'wire')
  })

  it('refuse what they cannot do', () => {
    const refused = (pattern: RegExp, ...args: string[]) => assert.match(run(...args).stderr, pattern)
    refused(/could not find plugin overlay/, 'network', 'create', '-d', 'overlay', 'wire')
    refused(/invalid parent ""/, 'network', 'create', '-d', 'macvlan', 'wire')
    refused(/invalid parent "a\/b"/, 'network', 'create', '-d', 'ipvlan', '-o', 'parent=a/b', 'wire')
    refused(
      /invalid macvlan mode: "l2"/,
      'network',
      'create',
      '-d',
      'macvlan',
      '-o',
      'parent=near',
      '-o',
      'macvlan_mode=l2',
      'wire',
    )
    output('network', 'create', '-d', 'macvlan', '-o', 'parent=gone', 'wire')
    refused(/below the link gone, which is not on this host/, 'run', '--rm', '--network', 'wire', IMAGE, 'true')
    output('network', 'rm', 'wire')
    output('network', 'create', '-d', 'macvlan', '-o', 'parent=near', 'wire')
    refused(
      /cannot be limited: it is a macvlan/,
      'run',
      '--rm',
      '--network',
      'wire',
      '--network-rate',
      '1mbit',
      IMAGE,
      'true',
    )
    output('network', 'rm', 'wire')
    assert.equal(output('ps', '-aq', '--filter', 'status=running'), '')
  })

  it('may be made by the driver of a plugin, from bridges and pairs of links', () => {
    const before = links()
    const more = { coracle: { contract: '^1.0.0', networkDrivers: { ours: './driver.js' } } }
    output('plugins', 'link', writePackage(coracle.directory, { more, files: { 'driver.js': BRIDGE_DRIVER } }))
    assert.match(run('network', 'create', '-d', 'ours', '-o', 'a=b', 'lan').stderr, /there is no option a/)
    output('network', 'create', '-d', 'ours', '--subnet', '10.79.0.0/24', 'lan')
    background('one', '--network', 'lan', '--ip', '10.79.0.8')
    background('two', '--network', 'lan')
    background('late', '--network', 'none')
    output('network', 'connect', 'lan', 'late')
    for (const name of ['two', 'late']) {
      assert.ok(reaches(name, '10.79.0.1'), 'the bridge')
      assert.ok(reaches(name, '10.79.0.8'), 'each other')
    }
    assert.match(output('exec', 'two', 'ip', 'route'), /default via 10\.79\.0\.1 dev eth0/)
    output('network', 'disconnect', 'lan', 'late')
    assert.doesNotMatch(output('exec', 'late', 'ip', 'link'), /eth0/)
    output('rm', '-f', 'one', 'two', 'late')
    output('network', 'rm', 'lan')
    assert.equal(links(), before)
  })

  it('give containers of an ipvlan addresses behind that of the parent', function () {
    const mode = 'ipvlan_mode=l3'
    output('network', 'create', '-d', 'ipvlan', '-o', 'parent=near', '-o', mode, '--subnet', '10.78.0.0/24', 'wire')
    const { status, stderr } = run('run', '--rm', '--network', 'wire', IMAGE, 'ip', 'route')
    output('network', 'rm', 'wire')
    if (/this kernel lacks ipvlan/.test(stderr)) {
      console.log('skipped: this kernel lacks ipvlan')
      this.skip()
    }
    assert.equal(status, 0, stderr)
  })
})
