/*
 * `coracle-native enclose PARENT [-u] [-n] [-c] [-r PATH] [-w PATH] -- PROGRAM ARGUMENT…`: becomes a program that can reach
 * little, for code of strangers. Its own sandbox may have holes; these walls are the kernel's.
 *
 * It ends with its parent, is nobody (-u), makes no sockets (-n allows), starts no programs (-c allows), signals and traces
 * nobody, and opens no files but below those named: for reading (-r), for writing (-w). Without any -r all may be opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "fail.h"
#include "jobs.h"
#include "kernel.h"
#include "resolve-confine.h"

#define MAX_DATA (2ul << 30) /* bytes; what the program reserves without using it does not count */

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "no seccomp architecture is known for this machine"
#endif

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE)
/* Of a file that is no directory; the kernel refuses rules with others. */
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | 1u << 14)

struct enclosure {
  bool nobody, network, children;
  int rules;       /* -1: files are not enclosed */
  uint64_t rights; /* all that this kernel knows to forbid */
};

static int open_rules(struct enclosure *enclosure) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return 0; /* an old kernel */
  unsigned count = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  struct landlock_ruleset_attr attr = {.handled_access_fs = (1u << count) - 1};
  enclosure->rights = attr.handled_access_fs;
  enclosure->rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
  return enclosure->rules < 0 ? fail("landlock_create_ruleset", "") : 0;
}

/* What is not there cannot be opened anyway. */
static int allow_below(struct enclosure *enclosure, const char *path, uint64_t rights) {
  struct stat info;
  if (enclosure->rules < 0 && open_rules(enclosure) < 0) return -1;
  if (enclosure->rules < 0) return 0;
  cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : fail("open", path);
  if (fstat(fd, &info) < 0) return fail("fstat", path);
  struct landlock_path_beneath_attr below = {.allowed_access = rights & enclosure->rights, .parent_fd = fd};
  if (!S_ISDIR(info.st_mode)) below.allowed_access &= OF_FILES;
  return syscall(SYS_landlock_add_rule, enclosure->rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0 ? fail("landlock_add_rule", path) : 0;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define ERROR(number) ANSWER(SECCOMP_RET_ERRNO | (number))
#define IF_EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
/* The call's number is loaded. */
#define DENY(name) IF_EQUAL(SYS_##name, 0, 1), ERROR(EPERM)
#define DENY_UNLESS(allowed, name) IF_EQUAL((allowed) ? ~0u : SYS_##name, 0, 1), ERROR(EPERM)

static int filter_calls(const struct enclosure *enclosure) {
  const struct sock_filter program[] = {
      LOAD(arch),
      IF_EQUAL(THIS_ARCH, 1, 0),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* the other ABI of x86: numbers of its own */
      ANSWER(SECCOMP_RET_KILL_PROCESS),
      DENY(ptrace), DENY(process_vm_readv), DENY(process_vm_writev), DENY(pidfd_getfd), DENY(setpriority), DENY(sched_setaffinity),
      DENY(bpf), DENY(perf_event_open), DENY(userfaultfd), DENY(add_key), DENY(keyctl), DENY(request_key), DENY(mount),
      DENY(unshare), DENY(setns),
      /* its own limits it may ask for, and lower */
      IF_EQUAL(SYS_prlimit64, 0, 4), LOAD(args[0]), IF_EQUAL(0, 1, 0), ERROR(EPERM), LOAD(nr),
      /* would make calls that no filter sees */
      IF_EQUAL(SYS_io_uring_setup, 0, 1), ERROR(ENOSYS),
      DENY_UNLESS(enclosure->network, socket),
      DENY_UNLESS(enclosure->children, kill), DENY_UNLESS(enclosure->children, tkill), DENY_UNLESS(enclosure->children, pidfd_send_signal),
      DENY_UNLESS(enclosure->children, rt_sigqueueinfo), DENY_UNLESS(enclosure->children, rt_tgsigqueueinfo),
      /* its own threads, as abort() does; this process becomes that program */
      IF_EQUAL(enclosure->children ? ~0u : SYS_tgkill, 0, 4), LOAD(args[0]), IF_EQUAL((unsigned)getpid(), 1, 0), ERROR(EPERM), LOAD(nr),
#ifdef SYS_fork
      DENY_UNLESS(enclosure->children, fork), DENY_UNLESS(enclosure->children, vfork),
#endif
      IF_EQUAL(enclosure->children ? ~0u : SYS_clone3, 0, 1), ERROR(ENOSYS), /* its flags lie in memory; libc takes clone then */
      IF_EQUAL(enclosure->children ? ~0u : SYS_clone, 0, 3), LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0), ERROR(EPERM),
      ANSWER(SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = (struct sock_filter *)program};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0 ? fail("seccomp", "the filter") : 0;
}

static int limit(int resource, rlim_t most, const char *name) {
  struct rlimit now;
  if (getrlimit(resource, &now) < 0) return fail("getrlimit", name);
  if (now.rlim_max < most) most = now.rlim_max;
  return setrlimit(resource, &(struct rlimit){most, most}) < 0 ? fail("setrlimit", name) : 0;
}

static int enclose(const struct enclosure *enclosure, pid_t parent) {
  if (limit(RLIMIT_CORE, 0, "RLIMIT_CORE") < 0 || limit(RLIMIT_DATA, MAX_DATA, "RLIMIT_DATA") < 0) return -1;
  if (enclosure->nobody && lose_privileges() < 0) return -1;
  /* after the change of user, which undoes it */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG");
  if (getppid() != parent) return errno = ESRCH, fail("getppid", "");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail("prctl", "PR_SET_NO_NEW_PRIVS");
  if (enclosure->rules >= 0 && syscall(SYS_landlock_restrict_self, enclosure->rules, 0) < 0) return fail("landlock_restrict_self", "");
  return filter_calls(enclosure);
}

static int read_option(struct enclosure *enclosure, int option, const char *path) {
  switch (option) {
    case 'u': return enclosure->nobody = true, 0;
    case 'n': return enclosure->network = true, 0;
    case 'c': return enclosure->children = true, 0;
    case 'r': return allow_below(enclosure, path, READING);
    case 'w': return allow_below(enclosure, path, ~(uint64_t)READING);
    default: return fail_because("enclose", path == NULL ? "" : path, "no such option");
  }
}

int enclose_main(int argc, char **argv) {
  struct enclosure enclosure = {.rules = -1};
  int at = 3, failed = argc < 3 ? fail_because("enclose", "", "no parent") : 0;
  for (; failed == 0 && at < argc && strcmp(argv[at], "--") != 0; at++) {
    bool valued = argv[at][0] == '-' && (argv[at][1] == 'r' || argv[at][1] == 'w');
    const char *value = valued && at + 1 < argc ? argv[at + 1] : NULL;
    failed = valued && value == NULL ? fail_because("enclose", argv[at], "no path")
                                     : read_option(&enclosure, argv[at][0] == '-' ? argv[at][1] : 0, value);
    at += valued;
  }
  if (failed == 0 && at + 1 >= argc) failed = fail_because("enclose", "", "no program");
  if (failed == 0) failed = enclose(&enclosure, (pid_t)strtol(argv[2], NULL, 10));
  if (failed == 0) {
    execv(argv[at + 1], &argv[at + 1]);
    failed = fail("execve", argv[at + 1]);
  }
  const char *reason = last_failure.reason != NULL ? last_failure.reason : strerror(last_failure.error);
  fprintf(stderr, "coracle-native enclose: %s %s: %s\n", last_failure.doing, last_failure.object, reason);
  return 126;
}
