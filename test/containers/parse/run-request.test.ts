import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseSignal } from '../../../src/containers/parse/signals.ts'
import { parseCpuSet, parseNanoCpus, parseSize } from '../../../src/containers/parse/values.ts'
import type { RunFlags } from '../../../src/containers/types.ts'
import { InvalidArgument } from '../../../src/errors.ts'
import { settingsOf } from '../../support/containers.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** Flags, and what docker says to them. */
const REFUSALS: readonly (readonly [RunFlags, RegExp])[] = [
  [{ memory: 'lots' }, /invalid argument "lots" for "--memory" flag: invalid size: 'lots'/],
  [{ volume: ['one:/x', 'two:/x/'] }, /Duplicate mount point: \/x$/],
  [{ volume: ['one:/x'], mount: ['type=tmpfs,target=/x'] }, /Duplicate mount point: \/x$/],
  [{ volume: ['one:/x'], tmpfs: ['/x:size=1m'] }, /Duplicate mount point: \/x$/],
  [{ memory: '1m' }, /Minimum memory limit allowed is 6MB/],
  [{ memory: '64m', 'memory-swap': '32m' }, /Minimum memoryswap limit should be larger than memory limit/],
  [{ 'memory-swap': '32m' }, /You should always set the Memory limit when using Memoryswap limit/],
  [{ memory: '64m', 'memory-reservation': '65m' }, /can not be less than memory reservation limit/],
  [{ 'memory-swappiness': '101' }, /Valid memory swappiness range is 0-100/],
  [{ cpus: '0.5', 'cpu-period': '1000' }, /Nano CPUs and CPU Period cannot both be set/],
  [{ cpus: '0.5', 'cpu-quota': '1000' }, /Nano CPUs and CPU Quota cannot both be set/],
  [{ cpus: '10000' }, /Range of CPUs is from 0.01 to/],
  [{ 'cpu-period': '5' }, /CPU cfs period can not be less than 1ms/],
  [{ 'cpu-quota': '5' }, /CPU cfs quota can not be less than 1ms/],
  [{ 'cpuset-cpus': '3-1' }, /Invalid value 3-1 for cpuset cpus/],
  [{ 'cpuset-cpus': `${availableParallelism()}` }, /Requested CPUs are not available/],
  [{ 'blkio-weight': '5' }, /Range of blkio weight is from 10 to 1000/],
  [{ 'oom-score-adj': '2000' }, /range for oom score adj is \[-1000, 1000\]/],
  [{ 'cap-add': ['FLY'] }, /invalid CapAdd: unknown capability: "CAP_FLY"/],
  [{ 'cap-drop': ['FLY'] }, /invalid CapDrop: unknown capability: "CAP_FLY"/],
  [{ 'security-opt': ['magic=on'] }, /invalid --security-opt/],
  [{ 'security-opt': ['seccomp=/does/not/exist'] }, /opening seccomp profile/],
  [{ ulimit: ['nofile'] }, /invalid ulimit argument: nofile/],
  [{ ulimit: ['nofile=20:10'] }, /soft limit must be less than or equal to hard limit: 20 > 10/],
  [{ ulimit: ['luck=1'] }, /invalid ulimit type: luck/],
  [{ sysctl: ['kernel.panic=1'] }, /sysctl 'kernel.panic=1' is not allowed/],
  [{ sysctl: ['net.ipv4.ip_forward=1'], network: 'host' }, /not allowed in the network namespace of the host/],
  [{ sysctl: ['net/../../kernel/panic=1'] }, /is not allowed/],
  [{ device: ['null'] }, /invalid device/],
  [{ device: ['/dev/null:/dev/x:q'] }, /invalid device mode/],
  [{ 'device-cgroup-rule': ['c 1:3'] }, /invalid device cgroup format/],
  [{ network: ['a', 'host'] }, /cannot attach both user-defined and non-user-defined/],
  [{ network: 'host', 'mac-address': '02:42:ac:11:00:02' }, /mac-address and the network mode/],
  [{ network: 'container:x', hostname: 'h' }, /hostname and the network mode/],
  [{ uts: 'host', hostname: 'h' }, /hostname and the UTS mode/],
  [{ pid: 'mine' }, /invalid PID mode/],
  [{ ipc: 'mine' }, /invalid IPC mode/],
  [{ uts: 'mine' }, /invalid UTS mode/],
  [{ userns: 'mine' }, /invalid USER mode/],
  [{ cgroupns: 'mine' }, /invalid CGROUP mode/],
  [{ name: 'a b' }, /Invalid container name \(a b\), only/],
  [{ name: 'x' }, /Invalid container name/],
  [{ hostname: 'a/b' }, /invalid hostname format/],
  [{ workdir: 'tmp' }, /the working directory 'tmp' is invalid, it needs to be an absolute path/],
  [{ pull: 'sometimes' }, /invalid pull option: 'sometimes'/],
  [{ env: ['=x'] }, /invalid environment variable: =x/],
  [{ 'env-file': ['/does/not/exist'] }, /open \/does\/not\/exist: no such file or directory/],
  [{ attach: ['everything'] }, /valid streams are STDIN, STDOUT and STDERR/],
  [{ attach: ['stdout'], detach: true }, /cannot specify both --attach and --detach/],
  [{ 'stop-signal': 'SIGNAL' }, /Invalid signal: SIGNAL/],
  [{ 'add-host': ['nowhere'] }, /bad format for add-host/],
  [{ 'add-host': ['db:nowhere'] }, /invalid IP address in add-host/],
  [{ dns: ['nowhere'] }, /nowhere is not an ip address/],
  [{ 'mac-address': 'zz' }, /zz is not a valid mac address/],
  [{ 'cgroup-parent': '/../etc' }, /invalid cgroup parent/],
]

describe('parseRunRequest', () => {
  it('takes a volume that is named twice in the same words for one', () => {
    assert.equal(settingsOf({ volume: ['one:/x', 'one:/x'] }).host.Mounts.length, 1)
  })

  for (const [flags, message] of REFUSALS)
    it(`refuses ${JSON.stringify(flags)} in docker's words`, () => {
      assert.throws(
        () => settingsOf(flags),
        (error) => error instanceof InvalidArgument && message.test(error.message),
      )
    })

  it('reads limits in the units of docker', () => {
    const { host } = settingsOf({
      memory: '512m',
      cpus: '1.5',
      'pids-limit': '42',
      'shm-size': '1g',
      ulimit: ['nofile=10:20'],
    })

    assert.equal(host.Memory, 512 * 1024 ** 2)
    assert.equal(host.NanoCpus, 1_500_000_000)
    assert.equal(host.PidsLimit, 42)
    assert.equal(host.ShmSize, 1024 ** 3)
    assert.deepEqual(host.Ulimits, [{ Name: 'nofile', Soft: 10, Hard: 20 }])
  })

  it('lets flags win over files, and a bare name take the value of the host', async () => {
    const file = join(await scratchDirectory(), 'env')
    await writeFile(file, '# comment\n\nA=file\n  B=file with spaces\nCORACLE_TEST_UNSET\nCORACLE_TEST_SET\n')
    process.env['CORACLE_TEST_SET'] = 'of the host'

    const { config } = settingsOf({ env: ['A=flag'], 'env-file': [file] })

    delete process.env['CORACLE_TEST_SET']
    assert.deepEqual(config.Env, ['A=flag', 'B=file with spaces', 'CORACLE_TEST_SET=of the host'])
  })

  it('refuses a variable with white space in its name, with the line', async () => {
    const file = join(await scratchDirectory(), 'env')
    await writeFile(file, 'FINE=1\nNOT FINE=1\n')

    assert.throws(() => settingsOf({ 'env-file': [file] }), /variable 'NOT FINE' contains whitespaces \(line 2/)
  })

  it('tells an absent entrypoint from an empty one', () => {
    assert.equal(settingsOf({}).config.Entrypoint, null)
    assert.deepEqual(settingsOf({ entrypoint: '' }).config.Entrypoint, [])
    assert.deepEqual(settingsOf({ entrypoint: '/bin/sh' }).config.Entrypoint, ['/bin/sh'])
  })

  it('attaches what docker attaches', () => {
    const streams = (flags: RunFlags) => {
      const { AttachStdin, AttachStdout, AttachStderr } = settingsOf(flags).config
      return [AttachStdin, AttachStdout, AttachStderr]
    }
    assert.deepEqual(streams({}), [false, true, true])
    assert.deepEqual(streams({ interactive: true }), [true, true, true])
    assert.deepEqual(streams({ attach: ['STDERR'] }), [false, false, true])
    assert.deepEqual(streams({ detach: true }), [false, false, false])
  })

  it('reads devices with and without a second path and permissions', () => {
    const { Devices } = settingsOf({ device: ['/dev/a', '/dev/a:r', '/dev/a:/dev/b', '/dev/a:/dev/b:rw'] }).host

    assert.deepEqual(
      Devices.map((device) => [device.PathInContainer, device.CgroupPermissions]),
      [
        ['/dev/a', 'rwm'],
        ['/dev/a', 'r'],
        ['/dev/b', 'rwm'],
        ['/dev/b', 'rw'],
      ],
    )
  })

  it('takes a seccomp profile as JSON and the options of modules that are not there', async () => {
    const file = join(await scratchDirectory(), 'profile.json')
    await writeFile(file, '{ "defaultAction": "SCMP_ACT_ALLOW" }')

    const { host } = settingsOf({
      'security-opt': [`seccomp=${file}`, 'no-new-privileges', 'apparmor=unconfined', 'label=disable'],
    })

    assert.equal(host.Seccomp, '{"defaultAction":"SCMP_ACT_ALLOW"}')
    assert.equal(host.NoNewPrivileges, true)
  })
})

describe('values of flags', () => {
  it('are sizes in units of 1024, whole or with a fraction', () => {
    assert.deepEqual(
      ['0', '100', '1k', '1.5KiB', '2mb', '3 G', '1T'].map((text) => parseSize(text, 'memory')),
      [0, 100, 1024, 1536, 2 * 1024 ** 2, 3 * 1024 ** 3, 1024 ** 4],
    )
    for (const text of ['', '-1', '1x', 'k', '1e3', '99999999999p', '1 2'])
      assert.throws(() => parseSize(text, 'memory'))
  })

  it('are CPUs in billionths, never rounded', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 999_999_999 }), (whole, billionths) => {
        const text = `${whole}.${String(billionths).padStart(9, '0')}`
        assert.equal(parseNanoCpus(text, 'cpus'), whole * 1e9 + billionths)
      }),
    )
    for (const text of ['.', 'a', '1,5', '-1', '0.0000000001']) assert.throws(() => parseNanoCpus(text, 'cpus'))
  })

  it('are sets of CPUs', () => {
    assert.deepEqual(parseCpuSet('0-2,5', 'cpus'), [0, 1, 2, 5])
    for (const text of ['a', '1-', '-1', '2-1', '1,,2', '1-2-3']) assert.throws(() => parseCpuSet(text, 'cpus'))
  })

  it('are signals by name, number and distance from the real-time ones', () => {
    assert.deepEqual(
      ['TERM', 'SIGKILL', 'sigint', '9', 'RTMIN', 'SIGRTMIN+3', 'RTMAX-1'].map(parseSignal),
      [15, 9, 2, 9, 34, 37, 63],
    )
    for (const text of ['', '0', '65', 'NOPE', 'RTMIN-1', 'RTMAX+1']) assert.throws(() => parseSignal(text))
  })
})
