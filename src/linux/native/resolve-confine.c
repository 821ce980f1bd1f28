#include "resolve-confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "fail.h"
#include "forget.h"
#include "kernel.h"
#include "resolve.h"

#define NOBODY 65534
#define MAX_DESCRIPTORS 128
#define ADDRESS_SPACE (64u << 20)

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "no seccomp architecture is known for this machine"
#endif

/* Sanitizers read files, write reports and map terabytes. */
#ifdef __SANITIZE_ADDRESS__
static const bool watched = true;
#else
static const bool watched = false;
#endif

static int drop_bounding(void) {
  for (unsigned long capability = 0; capability < 64; capability++) {
    int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0) break; /* past the last one this kernel knows */
    if (held == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM) return fail("prctl", "PR_CAPBSET_DROP");
  }
  return 0;
}

/* An ordinary user stays who he is; so does root of a user namespace that has no nobody. */
static int become_nobody(void) {
  if (geteuid() != 0) return 0;
  if (setgroups(0, NULL) < 0 && errno != EPERM) return fail("setgroups", "");
  if (setresgid(NOBODY, NOBODY, NOBODY) < 0 && errno != EINVAL) return fail("setresgid", "");
  if (setresuid(NOBODY, NOBODY, NOBODY) < 0 && errno != EINVAL) return fail("setresuid", "");
  return 0;
}

static int drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}, {0}};
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL) return fail("prctl", "PR_CAP_AMBIENT");
  return syscall(SYS_capset, &header, none) < 0 ? fail("capset", "") : 0;
}

static int limit(int resource, rlim_t most, const char *name) {
  struct rlimit now;
  if (getrlimit(resource, &now) < 0) return fail("getrlimit", name);
  if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most) most = now.rlim_max;
  return setrlimit(resource, &(struct rlimit){most, most}) < 0 ? fail("setrlimit", name) : 0;
}

static int limit_resources(void) {
  if (limit(RLIMIT_NOFILE, MAX_DESCRIPTORS, "RLIMIT_NOFILE") < 0 || limit(RLIMIT_CORE, 0, "RLIMIT_CORE") < 0) return -1;
  if (limit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE") < 0) return -1;
  return watched ? 0 : limit(RLIMIT_AS, ADDRESS_SPACE, "RLIMIT_AS");
}

static int allow_reading(int rules, int directory) {
  struct landlock_path_beneath_attr below = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = directory};
  return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
}

/* All that the kernel knows to forbid, but reading below the two directories. Kernels without it have the other walls. */
static int close_files(void) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return 0;
  unsigned rights = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  struct landlock_ruleset_attr attr = {.handled_access_fs = (1u << rights) - 1};
  cleanup_fd int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
  if (rules < 0) return fail("landlock_create_ruleset", "");
  if (allow_reading(rules, RESOLVE_DIRECTORY) < 0 || allow_reading(rules, RESOLVE_NAMES) < 0) return fail("landlock_add_rule", "");
  return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? fail("landlock_restrict_self", "") : 0;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define IF_EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
/* The call's number is loaded; what follows goes on behind it when it is another one. */
#define ALLOW(name) IF_EQUAL(SYS_##name, 0, 1), ANSWER(SECCOMP_RET_ALLOW)
#define ALLOW_WITH(name, argument, one, other) \
  IF_EQUAL(SYS_##name, 0, 5), LOAD(args[argument]), IF_EQUAL(one, 1, 0), IF_EQUAL(other, 0, 1), ANSWER(SECCOMP_RET_ALLOW), \
      ANSWER(SECCOMP_RET_KILL_PROCESS)

static int filter_calls(void) {
  static struct sock_filter program[] = {
      LOAD(arch),
      IF_EQUAL(THIS_ARCH, 1, 0),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
      ALLOW(recvfrom), ALLOW(sendto), ALLOW(ppoll),
#ifdef SYS_poll
      ALLOW(poll),
#endif
      ALLOW(connect), ALLOW(accept4), ALLOW(close), ALLOW(newfstatat), ALLOW(fstat), ALLOW(munmap), ALLOW(getrandom),
      ALLOW(clock_gettime), ALLOW(restart_syscall), ALLOW(rt_sigreturn), ALLOW(exit_group),
      /* connections to resolvers, and files to be read: no other sockets, no memory that is written or run */
      ALLOW_WITH(socket, 0, AF_INET, AF_INET6),
      ALLOW_WITH(openat, 2, READ_FLAGS, READ_FLAGS),
      ALLOW_WITH(mmap, 2, PROT_READ, PROT_READ),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
  };
  const struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  if (watched) return 0;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0 ? fail("seccomp", "the filter") : 0;
}

int lose_privileges(void) { return drop_bounding() < 0 || become_nobody() < 0 || drop_capabilities() < 0 ? -1 : 0; }

int confine(pid_t parent) {
  if (setsid() < 0 && errno != EPERM) return fail("setsid", "");
  if (lose_privileges() < 0) return -1;
  /* after the change of user, which undoes both */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG");
  if (getppid() != parent) return errno = ESRCH, fail("getppid", "the supervisor");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail("prctl", "PR_SET_DUMPABLE");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail("prctl", "PR_SET_NO_NEW_PRIVS");
  if (limit_resources() < 0 || close_files() < 0) return -1;
  forget_code(); /* what got us here is not what comes */
  return filter_calls();
}
