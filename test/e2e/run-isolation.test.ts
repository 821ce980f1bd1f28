import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

let coracle: Coracle

/** What a shell inside says to an attempt: its status and both streams. */
function attempt(script: string, ...flags: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = coracle.run(['run', '--rm', ...flags, IMAGE, 'sh', '-c', script])
  assert.notEqual(status, 125, stderr)
  return { status, said: stdout + stderr }
}

/** Attempts that must fail under docker's defaults. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  'mounting a tmpfs': 'mount -t tmpfs none /tmp',
  'mounting over a masked path': 'umount /proc/kcore',
  'making /sys writable': 'mount -o remount,rw /sys',
  'unsharing a user namespace': 'unshare -U true',
  'unsharing a mount namespace': 'unshare -m true',
  'setting the host name': 'hostname other',
  'setting the clock': '! date -s 2001-01-01 2>&1 | grep -q "not permitted"',
  'reading the memory of the kernel': 'head -c 1 /proc/kcore | grep -q .',
  'reading keys': 'grep -q . /proc/keys',
  'writing system controls': 'echo 1 > /proc/sys/kernel/panic',
  'asking the kernel for SysRq': 'echo h > /proc/sysrq-trigger',
  'making and opening a block device': 'mknod /x b 254 0 && head -c 1 /x',
  'making and opening /dev/mem': 'mknod /x c 1 1 && head -c 1 /x',
  'making and opening /dev/kmsg': 'mknod /x c 1 11 && head -c 1 /x',
  'writing into control groups': 'mkdir /sys/fs/cgroup/x 2>/dev/null || mkdir /sys/fs/cgroup/memory/x',
  'seeing groups of others': 'for d in /sys/fs/cgroup/*; do ls -d $d/*/; done 2>/dev/null | grep -q .',
  'reading firmware': 'ls /sys/firmware | grep -q .',
  'adding an address': 'ip addr add 10.0.0.1/8 dev lo',
  'raising its own limits': 'ulimit -Hn 64 && ulimit -Hn 128',
  'loading modules': 'insmod /bin/busybox',
}

/** What docker's defaults allow. */
const ALLOWED: Readonly<Record<string, string>> = {
  'changing owners': 'touch /x && chown 33:33 /x',
  'becoming another user': 'su -s /bin/sh nobody -c true',
  'making a harmless device': 'mknod /x c 1 3 && echo > /x',
  'listening on a low port': 'timeout 1 nc -l -p 80; s=$?; test $s -eq 143 -o $s -eq 124',
  'sending raw packets to itself': 'ping -c 1 127.0.0.1',
  'changing its root': 'chroot / /bin/true',
}

describe('the isolation of coracle run', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  for (const [what, script] of Object.entries(FORBIDDEN))
    it(`forbids ${what}`, () => {
      const { status, said } = attempt(script)
      assert.notEqual(status, 0, said)
    })

  for (const [what, script] of Object.entries(ALLOWED))
    it(`allows ${what}`, () => {
      const { status, said } = attempt(script)
      assert.equal(status, 0, said)
    })

  it('shows only its own processes', () => {
    assert.equal(attempt('ls -d /proc/[0-9]* | wc -l').said.trim().length, 1)
  })

  it('shows its own control group as the root of all', () => {
    assert.match(attempt('cat /proc/self/cgroup').said, /^(?:\d+:[^:]*:\/\n)+$/)
  })

  it('has exactly the 14 capabilities of docker, and none in force for another user', () => {
    assert.match(attempt('grep Cap /proc/self/status').said, /CapEff:\s+00000000a80425fb/)
    assert.match(attempt('grep Cap /proc/self/status', '-u', '33').said, /CapEff:\s+0000000000000000/)
    assert.match(attempt('grep CapEff /proc/self/status', '--cap-drop', 'ALL').said, /0000000000000000/)
    assert.match(attempt('grep CapEff /proc/self/status', '--cap-add', 'SYS_ADMIN').said, /00000000a82425fb/)
  })

  it('filters system calls, unless told not to', () => {
    assert.match(attempt('grep "Seccomp:" /proc/self/status').said, /2/)
    assert.match(attempt('grep "Seccomp:" /proc/self/status', '--security-opt', 'seccomp=unconfined').said, /0/)
  })

  it('lets no program gain privileges when asked', () => {
    assert.match(attempt('grep NoNewPrivs /proc/self/status').said, /0/)
    assert.match(attempt('grep NoNewPrivs /proc/self/status', '--security-opt', 'no-new-privileges').said, /1/)
  })

  it('is lifted by --privileged', () => {
    assert.equal(
      attempt('mount -t tmpfs none /tmp && hostname other && touch /proc/sys/kernel/panic', '--privileged').status,
      0,
    )
    assert.match(
      attempt('grep Seccomp: /proc/self/status; ls /dev/loop-control /dev/kmsg', '--privileged').said,
      /0[\s\S]*kmsg/,
    )
  })

  it('shows a device that is asked for, with the permissions asked for', () => {
    assert.equal(attempt(': > /dev/kmsg-of-host', '--device', '/dev/kmsg:/dev/kmsg-of-host').status, 0)
    assert.notEqual(attempt(': > /dev/kmsg', '--device', '/dev/kmsg:/dev/kmsg:r').status, 0)
  })

  it('keeps set-user-id programs of containers and images from the other users of the host', () => {
    const id = coracle.output('run', '-d', IMAGE, 'sh', '-c', 'cp /bin/busybox /su; chmod 4755 /su; sleep 1000')
    const root = join(coracle.directory, 'root')
    chmodSync(coracle.directory, 0o755)
    for (const path of [join(root, 'containers', id, 'upper'), join(root, 'snapshots')]) {
      assert(existsSync(path))
      const { status } = spawnSync('ls', [path], { uid: 65_534, gid: 65_534 })
      assert.notEqual(status, 0, path)
    }
    coracle.output('rm', '-f', id)
  })
})
