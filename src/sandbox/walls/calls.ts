/**
 * The system calls that the runner may make, and no others: what Node 26 uses to start, to run a module on several threads, and to
 * work on files and sockets that it holds. The list was read off runs of both engines under strace, and widened by what the C
 * library takes on other kernels and machines. What is not listed answers EPERM.
 */
import type { SeccompRule, SeccompSpec } from '../../oci/runtime-spec.ts'

const MEMORY = 'brk madvise membarrier mmap mprotect mremap munmap pkey_alloc pkey_free pkey_mprotect'
const THREADS = `arch_prctl exit exit_group futex futex_wait futex_wake futex_requeue getcpu getpid getppid gettid
  get_robust_list restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn sched_getaffinity sched_getparam
  sched_getscheduler sched_yield set_robust_list set_tid_address sigaltstack`
const KNOWLEDGE = `capget clock_getres clock_gettime clock_nanosleep getegid geteuid getgid getgroups getrandom getresgid
  getresuid getrlimit getrusage gettimeofday getuid nanosleep sysinfo time times uname`
const WAITING = 'epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd2 pipe2 poll ppoll pselect6 select'
const DESCRIPTORS = `close close_range dup dup2 dup3 fadvise64 fallocate fcntl fdatasync fstat fstatfs fsync ftruncate getdents64
  lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readv sync_file_range write writev`
/** Of these the mount namespace decides what they reach. */
const FILES = `access chdir chmod chown copy_file_range faccessat faccessat2 fchmod fchmodat fchmodat2 fchown fchownat fgetxattr flistxattr
  futimesat getcwd getxattr lchown lgetxattr link linkat listxattr llistxattr lstat mkdir mkdirat newfstatat open openat openat2
  readlink readlinkat rename renameat renameat2 rmdir sendfile stat statfs statx symlink symlinkat truncate umask unlink unlinkat
  utime utimensat utimes`
/** Of a stream that happens to be a socket. They make none. */
const GIVEN_SOCKETS = 'getpeername getsockname getsockopt setsockopt shutdown'
const SOCKETS = 'accept accept4 bind connect listen recvfrom recvmmsg recvmsg sendmmsg sendmsg sendto'

const AF_INET = 2
const AF_INET6 = 10
const CLONE_THREAD = 0x1_0000n
const AT_EMPTY_PATH = 0x1000
const ENOSYS = 38
/** Of prctl: names of threads and of memory, capabilities looked at. */
const PRCTL = { setName: 15, getName: 16, readBounding: 23, setVma: 0x5356_4d41 }
/** Of ioctl: modes and size of a terminal, its number, bytes that wait, blocking, close-on-exec, a copy that shares blocks. */
const IOCTL = [0x5401, 0x5402, 0x5403, 0x5404, 0x5413, 0x8004_5430, 0x541b, 0x5421, 0x5451, 0x5450, 0x4004_9409]

export interface CallsOptions {
  /** The descriptor of the one program that may be executed; the limit of descriptors is below it. */
  readonly program: number
  /** Whether it may make sockets of IPv4 and IPv6. */
  readonly network: boolean
  /** Whether all processes that it can name are its own. */
  readonly ownProcesses: boolean
}

export function allowedCalls({ program, network, ownProcesses }: CallsOptions): SeccompSpec {
  const groups = [MEMORY, THREADS, KNOWLEDGE, WAITING, DESCRIPTORS, FILES, GIVEN_SOCKETS]
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      allow([...groups, ...(network ? [SOCKETS] : []), ...(ownProcesses ? ['tgkill'] : [])].join(' ')),
      // Once, by a number that no descriptor has afterwards.
      when('execveat', { index: 0, value: program }, { index: 4, value: AT_EMPTY_PATH }),
      // Of itself only: a limit of others, by their number, could be changed.
      when('prlimit64', { index: 0, value: 0 }),
      {
        ...allow('clone'),
        args: [{ index: 0, value: CLONE_THREAD, valueTwo: CLONE_THREAD, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      ...Object.values(PRCTL).map((value) => when('prctl', { index: 0, value })),
      ...IOCTL.map((value) => when('ioctl', { index: 1, value })),
      ...(network ? [AF_INET, AF_INET6].map((value) => when('socket', { index: 0, value })) : []),
      // Libraries go on without these: clone3 has its flags where no filter sees them, io_uring makes calls that none sees.
      { names: ['clone3', 'io_uring_setup'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  }
}

function allow(words: string): SeccompRule {
  return { names: words.split(/\s+/), action: 'SCMP_ACT_ALLOW' }
}

function when(name: string, ...args: readonly { readonly index: number; readonly value: number }[]): SeccompRule {
  return { ...allow(name), args: args.map(({ index, value }) => ({ index, value, op: 'SCMP_CMP_EQ' })) }
}
