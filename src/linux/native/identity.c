#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fail.h"
#include "kernel.h"

int step_loopback_up(void) {
  cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail("socket", "lo");
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? fail("SIOCSIFFLAGS", "lo") : 0;
}

/* Clamping is not silent: it answers -1 with the reason, and the plan marks the step as one that may warn. */
int step_rlimit(struct reader *args) {
  const char *name = read_string(args);
  uint32_t resource = read_u32(args);
  struct rlimit wanted = {.rlim_cur = read_u64(args), .rlim_max = read_u64(args)}, now;
  if (setrlimit(resource, &wanted) == 0) return 0;
  if (errno != EPERM || getrlimit(resource, &now) < 0) return fail("setrlimit", name);
  struct rlimit clamped = {.rlim_max = wanted.rlim_max < now.rlim_max ? wanted.rlim_max : now.rlim_max};
  clamped.rlim_cur = wanted.rlim_cur < clamped.rlim_max ? wanted.rlim_cur : clamped.rlim_max;
  if (setrlimit(resource, &clamped) < 0) return fail("setrlimit", name);
  errno = EPERM;
  return fail_because("setrlimit", name, "the hard limit cannot be raised here; the host's is used");
}

int step_keyring(struct reader *args) {
  const char *name = read_string(args);
  /* EPERM and EDQUOT are no reason not to start; the kernel may lack keyrings */
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 && errno != ENOSYS) return fail("keyctl", name);
  return 0;
}

static int give_stdio(uid_t uid) {
  struct stat status, null;
  bool has_null = stat("/dev/null", &null) == 0;
  for (int fd = 0; fd < 3; fd++) {
    if (fstat(fd, &status) < 0) return fail("fstat", "stdio");
    if (has_null && S_ISCHR(status.st_mode) && status.st_rdev == null.st_rdev) continue; /* that is everybody's */
    /* an id without a mapping, a read-only file system: the program finds out if it cares */
    if (fchown(fd, uid, (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS) return fail("fchown", "stdio");
  }
  return 0;
}

int step_user(struct reader *args, bool has_stdio) {
  uid_t uid = read_u32(args);
  gid_t gid = read_u32(args);
  uint32_t umask_set = read_u32(args), mask = read_u32(args), set_groups = read_u32(args), count = read_u32(args);
  if (args->bad || count > 65536) return errno = EINVAL, fail("decode", "user");
  cleanup_free gid_t *groups = calloc((size_t)count + 1, sizeof *groups);
  if (groups == NULL) return fail("calloc", "groups");
  for (uint32_t i = 0; i < count; i++) groups[i] = read_u32(args);
  if (umask_set) umask((mode_t)mask);
  if (has_stdio && give_stdio(uid) < 0) return -1;
  /* a change of user would drop the permitted set that the next step still needs */
  if (prctl(PR_SET_KEEPCAPS, 1) < 0) return fail("prctl", "PR_SET_KEEPCAPS");
  if (set_groups && setgroups(count, groups) < 0) return fail("setgroups", "supplementary groups");
  if (setresgid(gid, gid, gid) < 0) return fail("setresgid", "");
  if (setresuid(uid, uid, uid) < 0) return fail("setresuid", "");
  return 0;
}

static int drop_bounding(uint64_t keep) {
  for (unsigned long capability = 0; capability < 64; capability++) {
    if ((keep >> capability & 1) != 0) continue;
    int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0) break; /* past the last one this kernel knows */
    if (held == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return fail("prctl", "PR_CAPBSET_DROP");
  }
  return 0;
}

int step_bounding(struct reader *args) { return drop_bounding(read_u64(args)); }

int step_capabilities(struct reader *args) {
  uint64_t effective = read_u64(args), permitted = read_u64(args), inheritable = read_u64(args), ambient = read_u64(args);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  /* more than the process holds cannot be had: a container with fewer starts, as under docker without them */
  if (syscall(SYS_capget, &header, data) < 0) return fail("capget", "");
  uint64_t held = data[0].permitted | (uint64_t)data[1].permitted << 32;
  permitted &= held;
  effective &= permitted;
  inheritable &= held;
  for (int half = 0; half < 2; half++) {
    data[half].effective = (uint32_t)(effective >> 32 * half);
    data[half].permitted = (uint32_t)(permitted >> 32 * half);
    data[half].inheritable = (uint32_t)(inheritable >> 32 * half);
  }
  if (syscall(SYS_capset, &header, data) < 0) return fail("capset", "");
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL) return fail("prctl", "PR_CAP_AMBIENT");
  for (unsigned long capability = 0; capability < 64; capability++) {
    if ((ambient & permitted & inheritable) >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
      return fail("prctl", "PR_CAP_AMBIENT_RAISE");
  }
  return 0;
}

int step_no_new_privileges(void) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail("prctl", "PR_SET_NO_NEW_PRIVS") : 0;
}

int step_personality(struct reader *args) {
  uint32_t persona = read_u32(args);
  return personality(persona) < 0 ? fail("personality", "") : 0;
}

int step_seccomp(struct reader *args) {
  uint32_t flags = read_u32(args);
  struct bytes program = read_bytes(args);
  /* a length that does not fit would be cut to that of another, shorter filter */
  if (args->bad || program.size == 0 || program.size % sizeof(struct sock_filter) != 0 || program.size / sizeof(struct sock_filter) > BPF_MAXINSNS)
    return errno = EINVAL, fail("decode", "the seccomp filter");
  /* the plan's buffer does not align what is in it */
  cleanup_free struct sock_filter *filter = malloc(program.size);
  if (filter == NULL) return fail("malloc", "the seccomp filter");
  memcpy(filter, program.data, program.size);
  struct sock_fprog fprog = {.len = (unsigned short)(program.size / sizeof *filter), .filter = filter};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog) < 0) return fail("seccomp", "the filter");
  return 0;
}

int connect_stdio(const struct stdio *stdio) {
  const int from[] = {stdio->in, stdio->out, stdio->err};
  for (int to = 0; to < 3; to++) {
    if (from[to] >= 0 && dup2(from[to], to) < 0) return fail("dup2", "stdio");
  }
  return 0;
}

static int exec_failed(const char *file, int error) {
  errno = error;
  fail("exec", file);
  bool missing = error == ENOENT || error == ENOTDIR;
  last_failure.class = missing ? FAIL_NOT_FOUND : FAIL_NOT_EXECUTABLE;
  return -1;
}

static const char *find_variable(const char **env, const char *name) {
  size_t length = strlen(name);
  for (; *env != NULL; env++) {
    if (strncmp(*env, name, length) == 0 && (*env)[length] == '=') return *env + length + 1;
  }
  return NULL;
}

/* A directory can be "executed" up to EACCES: a clearer word for it. */
static int try_exec(const char *path, const char **argv, const char **env) {
  struct stat status;
  execve(path, (char *const *)argv, (char *const *)env);
  int error = errno;
  if (error == EACCES && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) error = EISDIR;
  return error;
}

int step_hold_program(struct reader *args) {
  const char *file = read_string(args);
  uint32_t number = read_u32(args);
  struct rlimit limit;
  if (args->bad || number < 16 || number > INT_MAX) return errno = EINVAL, fail("decode", "hold-program");
  cleanup_fd int found = open(file, O_PATH | O_CLOEXEC);
  if (found < 0) return fail("open", file);
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return fail("getrlimit", "RLIMIT_NOFILE");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return fail("setrlimit", "RLIMIT_NOFILE");
  cleanup_fd int held = dup3(found, (int)number, O_CLOEXEC);
  if (held < 0) return fail("dup3", file);
  /* no call can make this number again */
  if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){number, number}) < 0) return fail("setrlimit", "RLIMIT_NOFILE");
  return steal_fd(&held);
}

int step_exec(struct reader *args, int program) {
  const char *file = read_string(args);
  cleanup_free const char **argv = read_strings(args);
  cleanup_free const char **env = read_strings(args);
  if (args->bad || argv == NULL || env == NULL) return errno = EINVAL, fail("decode", "exec");
  if (program >= 0) {
    syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
    return exec_failed(file, errno);
  }
  if (*file == '\0') return exec_failed(file, ENOENT);
  if (strchr(file, '/') != NULL) return exec_failed(file, try_exec(file, argv, env));
  const char *path = find_variable(env, "PATH");
  int result = ENOENT;
  for (const char *rest = path == NULL ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : path; rest != NULL;) {
    const char *colon = strchr(rest, ':');
    int length = colon == NULL ? (int)strlen(rest) : (int)(colon - rest);
    char candidate[PATH_MAX];
    if (snprintf(candidate, sizeof candidate, "%.*s/%s", length, length == 0 ? "." : rest, file) < (int)sizeof candidate) {
      int error = try_exec(candidate, argv, env);
      if (error != ENOENT && error != ENOTDIR) result = error;
      if (error != ENOENT && error != ENOTDIR && error != EACCES && error != EISDIR) break;
    }
    rest = colon == NULL ? NULL : colon + 1;
  }
  return exec_failed(file, result);
}
