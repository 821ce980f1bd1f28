import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import type { ChildStep } from '../../src/linux/plan.ts'
import {
  bind,
  describeNative,
  makeScratch,
  optionsFor,
  PATH,
  type PlanParts,
  planFor,
  runPlan,
  shell,
  startContainer,
} from '../support/native.ts'

describeNative('launching a plan', (native) => {
  async function run(parts: PlanParts) {
    const scratch = await makeScratch()
    return runPlan(optionsFor(scratch, planFor(scratch, parts), { native: native() }))
  }

  function exec(file: string, ...argv: string[]): ChildStep {
    return { do: 'exec', file, argv: [file, ...argv], env: [PATH] }
  }

  describe('the program', () => {
    it('exits with its own status', async () => {
      const { exit } = await run({ exec: shell('exit 7') })
      assert.deepEqual([exit.status, exit.signal, exit.error], [7, 0, undefined])
    })

    it('counts as 128 + n when signal n ended it', async () => {
      const { exit } = await run({ exec: shell('sleep 9 & kill -9 $!; wait $!; exit $?') })
      assert.equal(exit.status, 137)
    })

    it('is looked up along PATH inside the root, never on the host', async () => {
      assert.equal((await run({ exec: exec('echo', 'found') })).stdout, 'found\n')
      await assert.rejects(run({ exec: exec('node') }), { code: 'PROGRAM_NOT_FOUND', exitCode: 127 })
    })

    it('fails with 127 when there is none', async () => {
      await assert.rejects(run({ exec: exec('/no/such') }), { code: 'PROGRAM_NOT_FOUND', exitCode: 127 })
    })

    it('fails with 126 when it is no program', async () => {
      for (const file of ['/etc', '/etc/text', '/etc/garbage']) {
        const scratch = await makeScratch()
        mkdirSync(join(scratch.upper, 'etc'))
        writeFileSync(join(scratch.upper, 'etc/text'), 'no program', { mode: 0o644 })
        writeFileSync(join(scratch.upper, 'etc/garbage'), '\x01\x02\x03', { mode: 0o755 })
        const options = optionsFor(scratch, planFor(scratch, { exec: exec(file) }), { native: native() })
        await assert.rejects(runPlan(options), { code: 'PROGRAM_NOT_EXECUTABLE', exitCode: 126 }, file)
      }
    })

    it('gets nothing but its three streams', async () => {
      const { stdout } = await run({ exec: shell('ls /proc/self/fd') })
      assert.equal(stdout, '0\n1\n2\n3\n') // the last one is how `ls` reads the directory
    })

    it('gets its arguments and environment byte for byte', async () => {
      const odd = ['', ' ', 'a\nb', 'ünï', '$(x)', '-']
      const { stdout } = await run({
        exec: { do: 'exec', file: '/bin/printf', argv: ['printf', '[%s]', ...odd], env: [] },
      })
      assert.equal(stdout, odd.map((word) => `[${word}]`).join(''))
      const env = await run({ exec: { do: 'exec', file: '/bin/env', argv: ['env'], env: ['A=1', 'B= 2 '] } })
      assert.equal(env.stdout, 'A=1\nB= 2 \n')
    })
  })

  describe('isolation', () => {
    it('makes every namespace asked for, and the program is pid 1', async () => {
      const kinds = ['pid', 'mnt', 'net', 'ipc', 'uts']
      const { stdout } = await run({
        exec: shell(`echo $$; for k in ${kinds.join(' ')}; do readlink /proc/self/ns/$k; done`),
      })
      const [pid, ...inside] = stdout.trim().split('\n')
      assert.equal(pid, '1')
      for (const [index, kind] of kinds.entries()) assert.notEqual(inside[index], readlinkSync(`/proc/self/ns/${kind}`))
    })

    it('leaves no way to the old root', async () => {
      const { stdout } = await run({
        exec: shell('ls -d /../../bin /work /home 2>/dev/null; wc -l < /proc/self/mountinfo'),
      })
      assert.equal(stdout, '/../../bin\n4\n') // the overlay, /proc, /dev and /dev/pts
    })

    it('sets host name, loopback and sysctls inside only', async () => {
      const { stdout } = await run({
        mounts: [
          { do: 'hostname', name: 'inside' },
          { do: 'loopback-up' },
          { do: 'sysctl', key: 'net.ipv4.ip_default_ttl', value: '42' },
        ],
        exec: shell('hostname; ip link show lo | grep -c LOWER_UP; cat /proc/sys/net/ipv4/ip_default_ttl'),
      })
      assert.equal(stdout, 'inside\n1\n42\n')
      assert.notEqual(readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'utf8'), '42\n')
    })

    it('maps ids of a user namespace', async () => {
      const scratch = await makeScratch()
      const ids = [{ inside: 0, outside: 100_000, size: 1000 }]
      const { stdout } = await runPlan(
        optionsFor(
          scratch,
          {
            namespaces: ['user', 'pid'],
            before: [],
            after: [{ do: 'map-ids', uids: ids, gids: ids, helpers: false }],
            child: [
              { do: 'user', uid: 0, gid: 0, groups: [] },
              { do: 'session', terminal: false },
              { do: 'exec', file: '/bin/busybox', argv: ['cat', '/proc/self/uid_map'], env: [] },
            ],
          },
          { native: native() },
        ),
      )
      assert.deepEqual(stdout.trim().split(/\s+/), ['0', '100000', '1000'])
    })
  })

  describe('joining another container', () => {
    it('shares its network and its processes', async () => {
      const first = await makeScratch()
      const host = await startContainer(
        optionsFor(first, planFor(first, { mounts: [{ do: 'hostname', name: 'first' }], exec: shell('sleep 1000') }), {
          native: native(),
        }),
      )
      const namespace = (kind: string) => `/proc/${host.container.pid}/ns/${kind}`
      const { stdout } = await run({
        namespaces: ['mount', 'ipc'],
        before: [{ do: 'pid-namespace', path: namespace('pid') }],
        mounts: [
          { do: 'enter', kind: 'network', path: namespace('net') },
          { do: 'enter', kind: 'uts', path: namespace('uts') },
        ],
        exec: shell('hostname; readlink /proc/self/ns/net; ps -o pid,comm | grep -c "1 sleep"'),
      })
      assert.equal(stdout, `first\n${readlinkSync(namespace('net'))}\n1\n`)
      await host.signal(9)
      await host.wait()
    })
  })

  describe('mounts', () => {
    it('bind files and directories where nothing was, read-only when asked', async () => {
      const { directory } = await makeScratch()
      writeFileSync(join(directory, 'file'), 'content')
      const { stdout, stderr, exit } = await run({
        mounts: [bind(join(directory, 'file'), '/new/deep/file'), bind(directory, '/mnt', { flags: ['ro', 'noexec'] })],
        exec: shell('cat /new/deep/file /mnt/file; touch /mnt/x'),
      })
      assert.equal(stdout, 'contentcontent')
      assert.match(stderr, /Read-only/)
      assert.equal(exit.status, 1)
      assert(!existsSync(join(directory, 'x')))
    })

    it('follow a hostile symlink inside the root, never out of it', async () => {
      const scratch = await makeScratch()
      const outside = join(scratch.directory, 'outside')
      mkdirSync(outside)
      symlinkSync(outside, join(scratch.upper, 'absolute'))
      symlinkSync('../../../../../../../../etc', join(scratch.upper, 'climbing'))
      const parts: PlanParts = {
        mounts: [
          { do: 'mkdir', target: '/climbing/made', mode: 0o700, uid: 1, gid: 2 },
          bind('/bin', '/climbing/bin'),
          { do: 'symlink', target: '/climbing/link', to: 'x' },
        ],
        exec: shell('ls /etc; stat -c "%a %u %g" /etc/made; test -f /etc/bin/busybox && echo bound'),
      }
      const { stdout } = await runPlan(optionsFor(scratch, planFor(scratch, parts), { native: native() }))
      assert.equal(stdout, 'bin\nlink\nmade\n700 1 2\nbound\n')
      assert(!existsSync('/etc/made') && !existsSync('/etc/link'))

      const dangling = planFor(await makeScratch(), { ...parts, mounts: [bind('/bin', '/absolute/bin')] })
      const again = optionsFor(
        scratch,
        { ...dangling, child: [...scratch.rootSteps, ...dangling.child.slice(2)] },
        { native: native() },
      )
      await runPlan(again).catch(() => {}) // refused or contained, either way:
      assert(!existsSync(join(outside, 'bin')))
    })

    it('make what a link leads to that leads nowhere, inside the root', async () => {
      const scratch = await makeScratch()
      const victim = join(scratch.directory, 'not-there')
      mkdirSync(join(scratch.upper, 'etc'))
      symlinkSync('../run/systemd/stub.conf', join(scratch.upper, 'etc/relative'))
      symlinkSync(victim, join(scratch.upper, 'etc/absolute'))
      symlinkSync('round', join(scratch.upper, 'etc/round'))
      const source = join(scratch.directory, 'source')
      writeFileSync(source, 'content')
      const mounts = [
        bind(source, '/etc/relative', { create: 'file' }),
        bind(source, '/etc/absolute', { create: 'file' }),
      ]
      const exec = shell('cat /etc/relative /run/systemd/stub.conf /etc/absolute')
      const { stdout } = await runPlan(optionsFor(scratch, planFor(scratch, { mounts, exec }), { native: native() }))
      assert.equal(stdout, 'content'.repeat(3))
      assert(!existsSync(victim))
      const round = planFor(scratch, { mounts: [bind(source, '/etc/round', { create: 'file' })], exec })
      await assert.rejects(
        runPlan(optionsFor(scratch, round, { native: native() })),
        /Too many levels of symbolic links/,
      )
    })

    it('refuse a sysctl when the image redirects /proc', async () => {
      const scratch = await makeScratch()
      const victim = join(scratch.directory, 'victim')
      writeFileSync(victim, 'untouched')
      const plan = planFor(scratch, {
        mounts: [
          { do: 'mkdir', target: '/tmp/fake/sys/kernel', mode: 0o755, uid: 0, gid: 0 },
          bind('/tmp', '/tmp/fake/sys/kernel'),
          { do: 'symlink', target: '/tmp/fake/sys/kernel/hostname', to: victim },
          bind(victim, '/proc/sys/kernel/hostname', { create: 'file' }),
          { do: 'sysctl', key: 'kernel.hostname', value: 'changed' },
        ],
        exec: shell('true'),
      })
      await assert.rejects(runPlan(optionsFor(scratch, plan, { native: native() })), /sysctl|\/proc/)
      assert.equal(readFileSync(victim, 'utf8'), 'untouched')
    })

    it('mask and protect paths, and pass over those that are missing', async () => {
      const { stdout, stderr } = await run({
        mounts: [
          { do: 'mask', target: '/proc/version' },
          { do: 'mask', target: '/proc/tty' },
          { do: 'mask', target: '/proc/no-such' },
          { do: 'read-only', target: '/proc/sys' },
          { do: 'read-only', target: '/proc/no-such' },
        ],
        exec: shell('wc -c < /proc/version; ls -A /proc/tty | wc -l; echo x > /proc/sys/kernel/hostname'),
      })
      assert.equal(stdout, '0\n0\n')
      assert.match(stderr, /Read-only/)
    })

    it('stand in for device nodes where a user namespace forbids to make them', async () => {
      const scratch = await makeScratch()
      const everything = [{ inside: 0, outside: 0, size: 65_536 }]
      const plan = planFor(scratch, { exec: shell('echo x > /dev/null && head -c 2 /dev/zero | wc -c') })
      const child = plan.child.map((step) => (step.do === 'mknod' ? { ...step, bindFrom: step.target } : step))
      const { stdout } = await runPlan(
        optionsFor(
          scratch,
          {
            namespaces: ['user', ...plan.namespaces],
            before: [],
            after: [{ do: 'map-ids', uids: everything, gids: everything, helpers: false }],
            child: [{ do: 'user', uid: 0, gid: 0, groups: [] }, ...child],
          },
          { native: native() },
        ),
      )
      assert.equal(stdout, '2\n')
    })

    it('make the root itself read-only', async () => {
      const { stderr } = await run({
        inside: [{ do: 'remount', target: '/', set: ['ro'], clear: [], recursive: false }],
        exec: shell('touch /x'),
      })
      assert.match(stderr, /Read-only file system/)
    })

    it('make a missing working directory, and refuse a file in its place', async () => {
      const cwd = (path: string): ChildStep => ({ do: 'cwd', path, create: true, uid: 5, gid: 6 })
      const { stdout } = await run({ inside: [cwd('/var/lib/new')], exec: shell('pwd; stat -c "%u %g" .') })
      assert.equal(stdout, '/var/lib/new\n5 6\n')
      await assert.rejects(run({ inside: [cwd('/bin/busybox')], exec: shell('true') }), /Not a directory/)
    })
  })

  describe('a failing step', () => {
    it('says its number, what was done, to what, and why', async () => {
      const plan: PlanParts = {
        mounts: [
          {
            do: 'mount',
            type: 'nofs',
            source: 'x',
            target: '/tmp',
            flags: [],
            data: '',
            create: 'none',
            optional: false,
          },
        ],
        exec: shell('true'),
      }
      await assert.rejects(run(plan), {
        code: 'LAUNCH_FAILED',
        exitCode: 125,
        message: 'cannot start the container: step 9, fsopen nofs: the kernel does not have this file system',
      })
    })

    it('is a warning when it is optional', async () => {
      const { warnings, exit } = await run({
        mounts: [
          {
            do: 'mount',
            type: 'nofs',
            source: 'x',
            target: '/tmp',
            flags: [],
            data: '',
            create: 'none',
            optional: true,
          },
        ],
        exec: shell('true'),
      })
      assert.equal(exit.status, 0)
      assert.match(warnings.join(), /nofs/)
    })
  })
})
