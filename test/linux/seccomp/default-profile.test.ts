import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { compileSeccomp } from '../../../src/linux/seccomp/compile.ts'
import { defaultProfile } from '../../../src/linux/seccomp/default-profile.ts'
import { syscallNumbers } from '../../../src/linux/seccomp/syscalls.ts'
import { AUDIT, runFilter, verdictOf } from '../../support/classic-bpf.ts'

const MACHINES = [
  ['x64', 'x86_64', AUDIT.x64],
  ['arm64', 'aarch64', AUDIT.arm64],
] as const
const BYTES_PER_INSTRUCTION = 8
const NEW_USER = 0x1000_0000n
const SIGCHLD = 17n
const [INET, ALG, VSOCK] = [2n, 38n, 40n]

for (const [arch, table, audit] of MACHINES) {
  describe(`the default profile on ${arch}`, () => {
    const verdicts = (...capabilities: string[]) => {
      const { program } = compileSeccomp(defaultProfile(capabilities, arch), arch)
      return (name: string, ...args: bigint[]) => {
        const number = syscallNumbers(table).get(name)
        assert(number !== undefined, name)
        return verdictOf(runFilter(program, { number, audit, args }))
      }
    }

    it('allows what programs live by', () => {
      const verdict = verdicts()
      for (const name of ['read', 'openat', 'execve', 'mmap', 'futex', 'ptrace', 'seccomp', 'pidfd_open', 'statx'])
        assert.equal(verdict(name), 'allow', name)
    })

    it('refuses what reaches the kernel or the host', () => {
      const verdict = verdicts()
      const refused =
        'mount unshare setns keyctl add_key request_key bpf kexec_load open_by_handle_at init_module reboot'
      for (const name of `${refused} pivot_root swapon userfaultfd io_uring_setup perf_event_open`.split(' '))
        assert.equal(verdict(name), 'errno 1', name)
    })

    it('lets nobody clone into a new user namespace, and sends clone3 back to clone', () => {
      const verdict = verdicts()
      assert.equal(verdict('clone', SIGCHLD), 'allow')
      assert.equal(verdict('clone', SIGCHLD | NEW_USER), 'errno 1')
      assert.equal(verdict('clone3'), 'errno 38')
    })

    it('opens no sockets to the hypervisor or to the kernel’s ciphers', () => {
      const verdict = verdicts()
      assert.equal(verdict('socket', INET), 'allow')
      assert.deepEqual([verdict('socket', VSOCK), verdict('socket', ALG)], ['errno 1', 'errno 1'])
      assert.equal(verdict('socket', VSOCK | (1n << 32n)), 'errno 1')
    })

    it('takes the personalities of Linux and no other', () => {
      const verdict = verdicts()
      assert.deepEqual([verdict('personality', 8n), verdict('personality', 0x40_000n)], ['allow', 'errno 1'])
    })

    it('opens with the capabilities that guard a call anyway', () => {
      const verdict = verdicts('CAP_SYS_ADMIN', 'CAP_SYS_BOOT')
      for (const name of ['mount', 'unshare', 'setns', 'clone3', 'bpf', 'reboot'])
        assert.equal(verdict(name), 'allow', name)
      assert.equal(verdict('clone', SIGCHLD | NEW_USER), 'allow')
      assert.equal(verdict('keyctl'), 'errno 1')
    })

    it('fits in what the kernel takes, with every capability and with none', () => {
      for (const capabilities of [[], ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_BPF', 'CAP_SYSLOG']]) {
        const { program } = compileSeccomp(defaultProfile(capabilities, arch), arch)
        assert(program.length / BYTES_PER_INSTRUCTION < 4096)
      }
    })
  })
}
