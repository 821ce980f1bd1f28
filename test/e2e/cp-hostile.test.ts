import assert from 'node:assert/strict'
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
import { type Coracle, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

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
})
