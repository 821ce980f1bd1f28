import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

const USER = 'coracle-e2e'
let coracle: Coracle

const inside = (script: string, ...flags: string[]): string => {
  const { status, stdout, stderr } = coracle.run(['run', '--rm', ...flags, IMAGE, 'sh', '-c', script])
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

describe('coracle run as an ordinary user', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this) // to make the ordinary user
    if (spawnSync('useradd', ['--create-home', USER]).status !== 0) {
      console.log('skipped: cannot make a user for this test')
      this.skip()
    }
    const id = (flag: string) => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }))
    coracle = openCoracle({ uid: id('-u'), gid: id('-g') })
  })
  after(() => {
    coracle?.close()
    spawnSync('userdel', ['--remove', USER])
  })

  it('is root inside, and that user outside', () => {
    assert.equal(inside('id -u; cut -c 1-10 /proc/self/uid_map | head -1').split(/\s+/).join(' '), '0 0')
    assert.notEqual(inside('cat /proc/self/uid_map').split(/\s+/).filter(Boolean)[1], '0')
  })

  it('has other users where the host grants ranges', function () {
    if (!readFileSync('/etc/subuid', 'utf8').includes(`${USER}:`)) {
      console.log('skipped: this host grants no subordinate ids')
      this.skip()
    }
    assert.equal(inside('touch /x; chown 33:33 /x; stat -c %u /x'), '33')
    assert.equal(inside('id -u', '-u', 'www'), '33')
  })

  it('has namespaces of its own, the capabilities of a container, and a filter', () => {
    assert.equal(inside('ls /sys/class/net', '--network', 'none'), 'lo')
    assert.match(
      inside('grep CapEff /proc/self/status; grep Seccomp: /proc/self/status'),
      /00000000a80425fb\s+Seccomp:\s+2/,
    )
  })

  it('writes into the container, never into the image', () => {
    inside('echo changed > /etc/passwd')
    assert.match(inside('cat /etc/passwd'), /^root:/)
  })

  it('can do to the host only what the user can', () => {
    const { status, stderr } = coracle.run([
      'run',
      '--rm',
      '-v',
      '/etc:/host',
      IMAGE,
      'sh',
      '-c',
      'echo x >> /host/passwd; cat /host/shadow',
    ])
    assert.notEqual(status, 0)
    assert.match(stderr, /denied/)
  })

  it('leaves nothing behind, not even files of its other users', () => {
    inside('mkdir /d; touch /d/f; chown -R 33:33 /d 2>/dev/null; chmod 700 /d')
    assert.deepEqual(coracle.leftovers(), [])
  })
})
