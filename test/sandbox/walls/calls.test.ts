import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { compileSeccomp } from '../../../src/linux/seccomp/compile.ts'
import { syscallNumbers } from '../../../src/linux/seccomp/syscalls.ts'
import { allowedCalls, type CallsOptions } from '../../../src/sandbox/walls/calls.ts'
import { AUDIT, runFilter, verdictOf } from '../../support/classic-bpf.ts'

const MACHINES = [
  ['x64', 'x86_64', AUDIT.x64],
  ['arm64', 'aarch64', AUDIT.arm64],
] as const
const PROGRAM = 1000
const EMPTY_PATH = 0x1000n
const THREAD = 0x3d_0f00n // as the C library asks for one
const SIGCHLD = 17n
const [UNIX, INET, INET6, NETLINK] = [1n, 2n, 10n, 16n]

for (const [arch, table, audit] of MACHINES) {
  describe(`what the runner of modules may call on ${arch}`, () => {
    const verdicts = (options: Partial<CallsOptions> = {}) => {
      const document = allowedCalls({ program: PROGRAM, network: false, ownProcesses: true, ...options })
      const { program } = compileSeccomp(document, arch)
      return (name: string, ...args: bigint[]) => {
        const number = syscallNumbers(table).get(name)
        assert(number !== undefined, name)
        return verdictOf(runFilter(program, { number, audit, args }))
      }
    }

    it('is what Node lives by', () => {
      const verdict = verdicts()
      for (const name of 'read write openat statx mmap mprotect futex epoll_pwait getrandom exit_group'.split(' '))
        assert.equal(verdict(name), 'allow', name)
    })

    it('is one program, once, and threads but no processes', () => {
      const verdict = verdicts()
      assert.equal(verdict('execveat', BigInt(PROGRAM), 0n, 0n, 0n, EMPTY_PATH), 'allow')
      assert.equal(verdict('execveat', 5n, 0n, 0n, 0n, EMPTY_PATH), 'errno 1')
      assert.equal(verdict('execveat', BigInt(PROGRAM), 0n, 0n, 0n, 0n), 'errno 1') // of a path below a directory
      assert.equal(verdict('execve'), 'errno 1')
      assert.equal(verdict('clone', THREAD), 'allow')
      assert.equal(verdict('clone', SIGCHLD), 'errno 1')
      assert.equal(verdict('clone3'), 'errno 38')
    })

    it('is a signal to its threads where no others can be named, and to nobody elsewhere', () => {
      assert.equal(verdicts()('tgkill'), 'allow')
      assert.equal(verdicts({ ownProcesses: false })('tgkill'), 'errno 1')
      for (const name of ['kill', 'tkill', 'rt_sigqueueinfo', 'pidfd_send_signal'])
        assert.equal(verdicts()(name), 'errno 1', name)
    })

    it('is its own limits, and no others’', () => {
      assert.equal(verdicts()('prlimit64', 0n), 'allow')
      assert.equal(verdicts()('prlimit64', 1n), 'errno 1')
    })

    it('is sockets of the internet where there is a network, and none elsewhere', () => {
      const [without, connected] = [verdicts(), verdicts({ network: true })]
      for (const family of [UNIX, INET, INET6, NETLINK]) assert.equal(without('socket', family), 'errno 1')
      for (const family of [INET, INET6]) assert.equal(connected('socket', family), 'allow')
      for (const family of [UNIX, NETLINK, 38n, 40n]) assert.equal(connected('socket', family), 'errno 1')
      for (const name of ['bind', 'connect', 'accept4', 'sendto']) {
        assert.equal(without(name), 'errno 1', name)
        assert.equal(connected(name), 'allow', name)
      }
    })
  })
}

describe('the list of calls', () => {
  it('names none that no machine has', () => {
    const known = new Set(MACHINES.flatMap(([, table]) => [...syscallNumbers(table).keys()]))
    const { syscalls = [] } = allowedCalls({ program: PROGRAM, network: true, ownProcesses: true })
    assert.deepEqual(
      syscalls.flatMap(({ names }) => names).filter((name) => !known.has(name)),
      [],
    )
  })
})
