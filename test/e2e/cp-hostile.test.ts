import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { tarOf } from '../support/tar.ts'

let coracle: Coracle
let work = ''
const cp = (...args: string[]): Outcome => coracle.run(['cp', ...args])
const copied = (...args: string[]): void => {
  const { status, stderr } = cp(...args)
  assert.equal(status, 0, stderr)
}
const refused = (pattern: RegExp, ...args: string[]): void => {
  const { status, stderr } = cp(...args)
  assert.equal(status, 1)
  assert.match(stderr, pattern)
}
const sh = (name: string, script: string): string => {
  const { status, stdout, stderr } = coracle.run(['exec', name, 'sh', '-c', script])
  assert.equal(status, 0, stderr)
  return stdout.trim()
}
const at = (...names: string[]): string => join(work, ...names)

describe('coracle cp and a hostile container', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    coracle.output('run', '-d', '--name', 'running', IMAGE, 'sleep', '1000')
    work = join(coracle.directory, 'work')
  })
  beforeEach(() => {
    rmSync(work, { recursive: true, force: true })
    mkdirSync(at('tree'), { recursive: true })
    writeFileSync(at('tree/f'), 'text', { mode: 0o640 })
  })
  after(() => coracle?.close())

  it('shows nothing of the host to who copies out what a hostile container prepared', () => {
    writeFileSync(at('secret'), 'the host')
    const { length } = sh(
      'running',
      `mkdir -p /bad; ln -s ${at('secret')} /bad/a; ln -s ../../../../../..${at('secret')} /bad/b; echo x`,
    )
    assert(length > 0)
    copied('running:/bad', at('bad'))
    assert(lstatSync(at('bad/a')).isSymbolicLink())
    refused(/Could not find/, '-L', 'running:/bad/a', at('x'))
    refused(/Could not find/, '-L', 'running:/bad/b', at('x'))
    assert.equal(readFileSync(at('secret'), 'utf8'), 'the host')
    rmSync(at('secret'))
  })

  it('writes through no link that the container or the destination holds', () => {
    writeFileSync(at('precious'), 'the host')
    sh('running', `ln -sf ${at('precious')} /to-host`)
    cp(at('tree/f'), 'running:/to-host')
    mkdirSync(at('destination'))
    symlinkSync(at('precious'), at('destination/f'))
    sh('running', 'mkdir -p /source; echo evil > /source/f; mkdir -p /source/d; echo evil > /source/d/precious')
    symlinkSync(work, at('destination/d'))
    cp('running:/source/.', at('destination'))
    assert.equal(readFileSync(at('precious'), 'utf8'), 'the host')
  })

  it('stays inside while the container swaps directories and links under its hands', () => {
    mkdirSync(at('host'))
    writeFileSync(at('host/f'), 'the host')
    const swap = `mkdir -p /race/d; echo inside > /race/d/f; cd /race; while :; do mv d e; ln -s ${at('host')} d; rm d; mv e d; done`
    const racer = coracle.output('run', '-d', IMAGE, 'sh', '-c', swap)
    for (let round = 0; round < 12; round += 1) {
      const out = at(`out-${round}`)
      cp(`${racer}:/race/d/.`, out)
      if (existsSync(join(out, 'f'))) assert.equal(readFileSync(join(out, 'f'), 'utf8'), 'inside\n')
      cp(at('tree/f'), `${racer}:/race/d/in-${round}`)
    }
    coracle.output('rm', '-f', racer)
    assert.deepEqual(readdirSync(at('host')), ['f'])
  })

  it('takes set-user-ID bits and open devices away from what becomes the caller’s', () => {
    sh('running', 'cp /bin/busybox /suid; chown 33 /suid; chmod 4755 /suid; mkdir -p /n; mknod -m 666 /n/null c 1 3')
    copied('running:/suid', at('suid'))
    copied('running:/n', at('n'))
    assert.equal(statSync(at('suid')).mode & 0o7777, 0o755)
    assert.equal(lstatSync(at('n/null')).mode & 0o7777, 0o600)
    copied('-a', 'running:/suid', at('archived'))
    assert.deepEqual([statSync(at('archived')).mode & 0o7777, statSync(at('archived')).uid], [0o4755, 33])
  })

  it('keeps a huge sparse file sparse', () => {
    sh('running', 'dd if=/dev/zero of=/huge bs=1 count=1 seek=1099511627775 2>/dev/null')
    copied('running:/huge', at('huge'))
    const { size, blocks } = statSync(at('huge'))
    assert.equal(size, 2 ** 40)
    assert(blocks < 10_000)
    sh('running', 'rm /huge')
  })

  it('touches neither /proc nor what is mounted read-only, and leaves mounted files mounted', () => {
    const name = coracle.output(
      'run',
      '-d',
      '--read-only',
      '-v',
      `${at('tree')}:/ro:ro`,
      '-v',
      `${at('tree/f')}:/conf`,
      IMAGE,
      'sleep',
      '1000',
    )
    refused(/container rootfs is marked read-only/, at('tree/f'), `${name}:/x`)
    refused(/mounted volume is marked read-only/, at('tree/f'), `${name}:/ro/x`)
    refused(/Could not find the file \/proc/, at('tree/f'), `${name}:/proc/sysrq-trigger`)
    refused(/Could not find the file \/proc\/1\/environ/, `${name}:/proc/1/environ`, at('x'))
    coracle.output('stop', '-t', '0', name)
    refused(/container rootfs is marked read-only/, at('tree/f'), `${name}:/x`)
    refused(/mounted volume is marked read-only/, at('tree/f'), `${name}:/ro/x`)
    writeFileSync(at('hosts'), '127.0.0.1 mine\n')
    copied(at('hosts'), 'running:/etc/hosts')
    assert.equal(sh('running', 'cat /etc/hosts'), '127.0.0.1 mine')
    assert.match(sh('running', 'cat /proc/mounts'), /\/etc\/hosts/)
  })

  it('gives no mode to a file of the host for which a link was put in the place of a pipe', function () {
    if (spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status !== 0) {
      console.log('skipped: this test needs strace, to hold the copying up')
      this.skip()
    }
    writeFileSync(at('victim'), 'the host', { mode: 0o600 })
    const swap = `while :; do test -p /d/pipe && rm /d/pipe && ln -s ${at('victim')} /d/pipe; done`
    coracle.output('run', '-d', '--name', 'swapping', IMAGE, 'sh', '-c', `mkdir /d; ${swap}`)
    sh('swapping', 'until test -d /d; do sleep 0.05; done')
    const pipe = { name: 'pipe', type: '6', mode: 0o666 }
    // Between making the pipe and giving it its mode.
    const delay = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=mknodat', '-e', 'inject=mknodat:delay_exit=100000']
    spawnSync('strace', [...delay, join(packageRoot, 'bin/coracle'), 'cp', '-', 'swapping:/d'], {
      env: coracle.env,
      input: tarOf([pipe]),
    })
    assert.equal(sh('swapping', 'readlink /d/pipe'), at('victim'))
    assert.equal(statSync(at('victim')).mode & 0o777, 0o600)
    coracle.output('rm', '-f', 'swapping')
  })
})
