import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Coracle, eventually, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

let coracle: Coracle
const run = (...args: string[]): Outcome => coracle.run(['run', '--rm', ...args])
/** What a shell inside prints; flags come first. */
const inside = (script: string, ...flags: string[]): string => {
  const { status, stdout, stderr } = run(...flags, IMAGE, 'sh', '-c', script)
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

describe('coracle run', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  describe('exit status', () => {
    it('is the program’s own', () => {
      assert.equal(run(IMAGE, 'true').status, 0)
      assert.equal(run(IMAGE, 'sh', '-c', 'exit 42').status, 42)
    })

    it('is 128 + n after signal n', () => {
      assert.equal(run('--init', IMAGE, 'sh', '-c', 'kill -TERM $$').status, 143)
    })

    it('is 127 for a program that is not there, and says its name', () => {
      const { status, stderr } = run(IMAGE, 'no-such-program')
      assert.equal(status, 127)
      assert.match(stderr, /exec: "no-such-program": executable file not found in \$PATH/)
    })

    it('is 126 for a file that cannot be executed', () => {
      assert.equal(run(IMAGE, '/etc/passwd').status, 126)
      assert.equal(run(IMAGE, '/etc').status, 126)
    })

    it('is 125 for flags that make no sense, an image that is not there, a directory that does not exist', () => {
      assert.equal(run('--memory', '1k', IMAGE, 'true').status, 125)
      assert.equal(run('--pull', 'never', 'nothing:here', 'true').status, 125)
      assert.equal(run('--mount', 'type=bind,source=/does/not/exist,target=/x', IMAGE, 'true').status, 125)
      assert.equal(run('--no-such-flag', IMAGE, 'true').status, 125)
    })
  })

  describe('streams', () => {
    it('keeps standard output and standard error apart', () => {
      const { stdout, stderr } = run(IMAGE, 'sh', '-c', 'echo out; echo err >&2')
      assert.equal(stdout, 'out\n')
      assert.equal(stderr, 'err\n')
    })

    it('passes standard input on with -i, and its end', () => {
      const input = Buffer.alloc(3 << 20, 'abcdefgh')
      const { stdout, status } = coracle.run(['run', '--rm', '-i', IMAGE, 'md5sum'], { input })
      assert.equal(status, 0)
      assert.match(stdout, /^[0-9a-f]{32} /)
      assert.equal(coracle.run(['run', '--rm', '-i', IMAGE, 'wc', '-c'], { input }).stdout.trim(), String(3 << 20))
    })

    it('gives no input without -i', () => {
      assert.equal(coracle.run(['run', '--rm', IMAGE, 'cat'], { input: 'not for you' }).stdout, '')
    })

    it('loses nothing of much output that is followed by the end', () => {
      assert.equal(run(IMAGE, 'sh', '-c', 'yes | head -1000000').stdout.length, 2_000_000)
    })

    it('loses nothing when the program ends while its input still comes', () => {
      assert.equal(
        coracle.run(['run', '--rm', '-i', IMAGE, 'head', '-1'], { input: 'line\n'.repeat(500_000) }).stdout,
        'line\n',
      )
    })
  })

  describe('what the program finds', () => {
    it('is an environment of the image and the flags', () => {
      assert.equal(
        inside('echo $A $B $HOME $PATH', '-e', 'A=1', '-e', 'B=two words').split(' ').slice(0, 3).join(' '),
        '1 two words',
      )
      assert.equal(inside('echo $HOSTNAME', '-h', 'here'), 'here')
      assert.equal(inside('hostname; cat /etc/hostname', '--hostname', 'here'), 'here\nhere')
    })

    it('is the working directory, made when missing', () => {
      assert.equal(inside('pwd', '-w', '/made/for/you'), '/made/for/you')
    })

    it('is a user by name, number and group, with the groups of the image', () => {
      assert.equal(inside('id -u; id -g; id -G', '-u', 'www'), '33\n33\n33 29')
      assert.equal(inside('id -u; id -g', '-u', '1234:5678'), '1234\n5678')
      assert.equal(inside('id -G', '-u', '33:33', '--group-add', 'audio'), '33 29')
      assert.match(run('-u', 'nobody-here', IMAGE, 'true').stderr, /unable to find user nobody-here/)
    })

    it('is itself as process 1, or an init when asked', () => {
      assert.equal(inside('echo $$'), '1')
      assert.notEqual(inside('echo $$', '--init'), '1')
    })

    it('is another entry point', () => {
      assert.equal(run('--entrypoint', 'echo', IMAGE, 'hello').stdout, 'hello\n')
    })

    it('is hosts and name servers as the flags say', () => {
      assert.match(inside('cat /etc/hosts', '--add-host', 'db:10.1.2.3'), /^10\.1\.2\.3\tdb$/m)
      assert.match(
        inside('cat /etc/resolv.conf', '--dns', '9.9.9.9', '--dns-search', 'example.org'),
        /nameserver 9\.9\.9\.9\nsearch example\.org/,
      )
    })

    it('is loopback and a link to the bridge, loopback alone, or the network of the host', () => {
      assert.equal(inside('ls /sys/class/net'), 'eth0\nlo')
      assert.equal(inside('ls /sys/class/net', '--network', 'none'), 'lo')
      assert.equal(inside('readlink /proc/self/ns/net', '--network', 'host'), readlink('net'))
      assert.equal(
        inside('cat /sys/class/net/lo/operstate || true; ip addr show lo | grep -c 127.0.0.1').split('\n').at(-1),
        '1',
      )
    })

    it('is namespaces of its own, or those of the host', () => {
      for (const kind of ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'])
        assert.notEqual(inside(`readlink /proc/self/ns/${kind}`), readlink(kind), kind)
      for (const [flag, kind] of [
        ['--pid', 'pid'],
        ['--ipc', 'ipc'],
        ['--uts', 'uts'],
        ['--cgroupns', 'cgroup'],
      ] as const)
        assert.equal(inside(`readlink /proc/self/ns/${kind}`, flag, 'host'), readlink(kind), kind)
    })

    it('is shared memory of the size asked for', () => {
      assert.match(inside('df -k /dev/shm', '--shm-size', '2m'), /\b2048\b/)
      assert.match(inside('df -k /dev/shm'), /\b65536\b/)
    })

    it('is ulimits and system controls', () => {
      assert.equal(inside('ulimit -n; ulimit -Hn', '--ulimit', 'nofile=64:128'), '64\n128')
      assert.equal(inside('cat /proc/sys/kernel/shmmni', '--sysctl', 'kernel.shmmni=1234'), '1234')
      assert.equal(inside('cat /proc/self/oom_score_adj', '--oom-score-adj', '321'), '321')
    })
  })

  describe('files', () => {
    it('writes into the container, never into the image', () => {
      inside('echo changed > /etc/passwd; rm /bin/ls')
      assert.match(inside('cat /etc/passwd'), /^root:/)
      assert.equal(inside('ls /bin/ls'), '/bin/ls')
    })

    it('binds directories, for writing or not', () => {
      const host = join(coracle.directory, 'bound')
      mkdirSync(host)
      writeFileSync(join(host, 'file'), 'from the host')
      assert.equal(inside('cat /b/file', '-v', `${host}:/b:ro`), 'from the host')
      assert.match(run('-v', `${host}:/b:ro`, IMAGE, 'touch', '/b/new').stderr, /Read-only file system/)
      inside('echo from the container > /b/new', '--mount', `type=bind,source=${host},target=/b`)
      assert.equal(readFileSync(join(host, 'new'), 'utf8'), 'from the container\n')
    })

    it('makes the directory of a -v on the host when it is missing', () => {
      const host = join(coracle.directory, 'made/by/-v')
      inside('true', '-v', `${host}:/b`)
      assert(existsSync(host))
    })

    it('mounts a tmpfs with its options', () => {
      assert.match(
        inside('grep " /t " /proc/mounts', '--tmpfs', '/t:size=1m,exec'),
        /^tmpfs \/t tmpfs rw,nosuid,nodev,(?!noexec).*size=1024k/,
      )
      assert.match(
        inside('stat -c %a /t; grep " /t " /proc/mounts', '--mount', 'type=tmpfs,target=/t,tmpfs-mode=0700'),
        /^700\n.*noexec/,
      )
    })

    it('is read-only when asked, but for its mounts', () => {
      assert.match(run('--read-only', IMAGE, 'touch', '/x').stderr, /Read-only file system/)
      inside('touch /t/x /dev/shm/x', '--read-only', '--tmpfs', '/t')
    })

    it('gives an anonymous volume for -v /path that starts as the image is there', () => {
      assert.match(inside('cat /etc/passwd; touch /etc/new', '-v', '/etc', '--read-only'), /^root:/)
    })
  })

  describe('limits', () => {
    it('ends a container that takes more memory than it may, and says why', () => {
      const { status, stderr } = run('-m', '16m', IMAGE, 'sh', '-c', 'x=a; while true; do x=$x$x; done')
      assert.equal(status, 137)
      assert.match(stderr, /out of memory \(limit 16 MiB\)/)
    })

    it('holds the number of processes', () => {
      const { stdout, stderr } = run(
        '--pids-limit',
        '5',
        IMAGE,
        'sh',
        '-c',
        'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait',
      )
      assert.match(stdout + stderr, /can't fork|Resource temporarily unavailable/)
    })

    it('shows CPU shares, quotas and sets in the control groups', () => {
      const quota = inside(
        'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null | head -1',
        '--cpus',
        '0.5',
      )
      assert.match(quota, /^50000( 100000)?$/)
      assert.equal(inside('grep Cpus_allowed_list /proc/self/status | cut -f 2', '--cpuset-cpus', '0'), '0')
    })
  })

  describe('names and traces', () => {
    it('gives a name to one of two that want it at once', async () => {
      const started = [1, 2].map(() => coracle.start(['run', '--rm', '-i', '--name', 'wanted', IMAGE, 'cat']))
      const statuses = started.map((child) => new Promise((resolve) => child.once('exit', resolve)))
      assert.equal(await Promise.race(statuses), 125)
      for (const { stdin } of started) stdin?.on('error', () => {}).end()
      assert.deepEqual((await Promise.all(statuses)).toSorted(), [0, 125])
    })

    it('keeps a container without --rm, and its exit status, until it is removed', () => {
      coracle.run(['run', '--name', 'kept', IMAGE, 'sh', '-c', 'exit 3'])
      assert.match(coracle.output('ps', '-a'), /Exited \(3\).*kept/)
      assert.equal(coracle.output('ps', '-q'), '')
      assert.equal(coracle.output('rm', 'kept'), 'kept')
      assert.equal(coracle.output('ps', '-aq'), '')
    })

    it('writes the id into a file, and refuses one that is there', () => {
      const file = join(coracle.directory, 'cid')
      inside('true', '--cidfile', file)
      assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}$/)
      assert.match(run('--cidfile', file, IMAGE, 'true').stderr, /container ID file found/)
    })

    it('refuses to remove what runs, unless forced', () => {
      const id = coracle.output('run', '-d', IMAGE, 'sleep', '1000')
      assert.match(id, /^[0-9a-f]{64}$/)
      assert.match(coracle.run(['rm', id]).stderr, /container is running/)
      assert.equal(coracle.output('rm', '-f', id.slice(0, 12)), id.slice(0, 12))
    })

    it('goes on when the CLI is killed, and cleans up after itself', async () => {
      const cli = coracle.start(['run', '--rm', '--name', 'orphan', IMAGE, 'sh', '-c', UNTIL_TOLD])
      await eventually('the container runs', () => coracle.output('ps').includes('orphan'))
      cli.kill('SIGKILL')
      assert.match(coracle.output('ps'), /orphan/)
      coracle.output('exec', '-d', 'orphan', 'touch', '/go')
      await eventually('the container is removed', () => coracle.leftovers().length === 0)
      assert.equal(coracle.output('ps', '-aq'), '')
    })

    it('records the end of a container without --rm whose CLI was killed', async () => {
      const cli = coracle.start(['run', '--name', 'orphan', IMAGE, 'sh', '-c', UNTIL_TOLD])
      await eventually('the container runs', () => coracle.output('ps').includes('orphan'))
      cli.kill('SIGKILL')
      coracle.output('exec', '-d', 'orphan', 'touch', '/go')
      await eventually('its end is recorded', () => coracle.output('ps', '-a').includes('Exited (5)'))
      coracle.output('rm', 'orphan')
    })

    it('passes signals on', async () => {
      const cli = coracle.start([
        'run',
        '--rm',
        '--name',
        'listener',
        IMAGE,
        'sh',
        '-c',
        'trap "exit 9" TERM; echo ready; while true; do sleep 0.1; done',
      ])
      await once(cli.stdout ?? cli, 'data')
      cli.kill('SIGTERM')
      assert.equal(await new Promise((resolve) => cli.once('exit', resolve)), 9)
    })

    it('leaves nothing behind', () => {
      inside('true')
      run(IMAGE, 'no-such-program')
      run('-m', '16m', '--name', 'gone', IMAGE, 'true')
      assert.deepEqual(coracle.leftovers(), [])
      assert.equal(coracle.output('ps', '-aq'), '')
    })
  })

  it('prints the plan instead of running it', () => {
    const plan = run('--debug-plan', '--hostname', 'planned', IMAGE, 'true').stdout
    assert.match(plan, /hostname.*planned/)
    assert.match(plan, /exec.*true/)
    assert.deepEqual(coracle.leftovers(), [])
  })
})

const UNTIL_TOLD = 'until test -e /go; do sleep 0.05; done; exit 5'

function readlink(kind: string): string {
  return readlinkSync(`/proc/self/ns/${kind}`)
}
