/* The child's part of a launch plan: everything between clone and exec. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "fail.h"
#include "identity.h"
#include "init.h"
#include "kernel.h"
#include "launch.h"
#include "mounts.h"
#include "root.h"
#include "rtnl.h"
#include "terminal.h"

struct child {
  int root;    /* the new root, "/" until a root step made one */
  int channel; /* to the supervisor; closed by exec */
  int target;  /* pidfd of the process whose namespaces it shares, or to which it lends */
  int gate;    /* where the program waits if it is started early; -1: it is not */
  int program; /* what exec runs; -1: it looks for its file */
  const struct stdio *stdio;
  bool has_stdio; /* after the step `session` */
};

/* By write(), which seccomp filters allow. SIGPIPE ends this process, rightly, when the supervisor has died. */
static void tell(int channel, char kind, unsigned step) {
  struct message message = {.kind = kind};
  if (kind != MESSAGE_EXEC) describe(message.text, sizeof message.text, step);
  while (write(channel, &message, sizeof message) < 0 && errno == EINTR) continue;
}

int die_with_supervisor(int channel) {
  struct pollfd supervisor = {.fd = channel};
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG");
  if (poll(&supervisor, 1, 0) == 1 && (supervisor.revents & POLLHUP) != 0) _exit(125); /* it died just before */
  return 0;
}

static int step_enter(struct reader *args) {
  const char *path = read_string(args);
  uint32_t kind = read_u32(args);
  if (args->bad || (kind & ~(uint32_t)ALL_NAMESPACES) != 0) return errno = EINVAL, fail("decode", "enter");
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("open", path);
  return setns(fd, (int)kind) < 0 ? fail("setns", path) : 0;
}

static int step_unshare(struct reader *args) {
  uint32_t kinds = read_u32(args);
  if (args->bad || (kinds & ~(uint32_t)ALL_NAMESPACES) != 0) return errno = EINVAL, fail("decode", "unshare");
  return unshare((int)kinds) < 0 ? fail("unshare", "namespaces") : 0;
}

static int step_sysctl(int root, struct reader *args) {
  const char *path = read_string(args), *value = read_string(args);
  struct statfs status;
  cleanup_fd int fd = sys_openat2(root, path, O_WRONLY | O_CLOEXEC | O_NOCTTY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
  if (fd < 0) return fail("open", path);
  if (fstatfs(fd, &status) < 0) return fail("fstatfs", path);
  if (status.f_type != PROC_SUPER_MAGIC) return fail_because("open", path, "the image put something else in place of /proc");
  return write(fd, value, strlen(value)) < 0 ? fail("write", path) : 0;
}

static int step_cwd(int root, struct reader *args) {
  const char *path = read_string(args);
  uint32_t create = read_u32(args);
  uid_t uid = read_u32(args);
  gid_t gid = read_u32(args);
  struct stat status;
  cleanup_fd int there = open_in_root(root, path, CREATE_NONE);
  cleanup_fd int fd = steal_fd(&there);
  if (fd < 0 && errno == ENOENT && create) {
    fd = open_in_root(root, path, CREATE_DIRECTORY);
    if (fd >= 0 && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0) return fail("fchownat", path);
  }
  if (fd < 0) return -1;
  if (fstatat(fd, "", &status, AT_EMPTY_PATH) < 0) return fail("fstatat", path);
  if (!S_ISDIR(status.st_mode)) return errno = ENOTDIR, fail("chdir", path);
  return fchdir(fd) < 0 ? fail("chdir", path) : 0;
}

static int step_session(struct child *child, struct reader *args) {
  uint32_t terminal = read_u32(args);
  child->has_stdio = true;
  if (setsid() < 0 && errno != EPERM) return fail("setsid", "");
  if (!terminal) return connect_stdio(child->stdio);
  bool console = terminal == 1;
  return connect_terminal(child->root, child->channel, (struct size){child->stdio->columns, child->stdio->rows}, console);
}

static int step_hostname(struct reader *args) {
  const char *name = read_string(args);
  return sethostname(name, strlen(name)) < 0 ? fail("sethostname", name) : 0;
}

static int step_domainname(struct reader *args) {
  const char *name = read_string(args);
  return setdomainname(name, strlen(name)) < 0 ? fail("setdomainname", name) : 0;
}

static int keep_root(struct child *child, int root) {
  if (root < 0) return -1;
  close_fd(&child->root);
  child->root = root;
  return 0;
}

/* All at once: the kernel takes the user namespace first, whose rights the others need. A pid namespace holds for children. */
static int step_enter_target(struct child *child, struct reader *args) {
  uint32_t kinds = read_u32(args);
  if (args->bad || (kinds & ~(uint32_t)ALL_NAMESPACES) != 0) return errno = EINVAL, fail("decode", "enter-target");
  if (setns(child->target, (int)kinds) < 0) return fail("setns", "the container");
  if (die_with_supervisor(child->channel) < 0) return -1;
  if ((kinds & CLONE_NEWNS) == 0) return 0;
  int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? fail("open", "/") : keep_root(child, root);
}

/* Only who is in a mount namespace may copy its mounts: there, then back. */
static int step_bind_target(struct child *child, struct reader *args) {
  const char *target = read_string(args);
  cleanup_fd int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own < 0) return fail("open", "/proc/self/ns/mnt");
  if (setns(child->target, CLONE_NEWNS) < 0) return fail("setns", "the container");
  cleanup_fd int tree = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0) return fail("open_tree", "the root of the container");
  if (setns(own, CLONE_NEWNS) < 0) return fail("setns", "/proc/self/ns/mnt");
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
  if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0)
    return fail("mount_setattr", "the root of the container");
  cleanup_fd int at = open_in_root(child->root, target, CREATE_DIRECTORY);
  return at < 0 ? -1 : place_mount(tree, at, target);
}

/* The program is to wait at the gate: it is open after the exec, with the number that the program has been told. */
static int step_gate(const struct child *child, struct reader *args) {
  uint32_t number = read_u32(args);
  if (args->bad || child->gate < 0) return errno = EINVAL, fail("decode", "gate");
  return dup2(child->gate, (int)number) < 0 ? fail("dup2", "the gate") : 0;
}

/* Only who is in a mount namespace may change it: a copy made here, placed there, then back. Where it goes is there already. */
static int step_lend(struct child *child, struct reader *args) {
  const char *source = read_string(args), *target = read_string(args);
  bool recursive = read_u32(args) != 0;
  uint64_t attributes = read_u64(args);
  cleanup_fd int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own < 0) return fail("open", "/proc/self/ns/mnt");
  cleanup_fd int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
  if (tree < 0) return mount_failed("open_tree", source);
  if (set_attributes(tree, attributes, 0, 0, recursive, source) < 0 || set_attributes(tree, 0, 0, MS_PRIVATE, recursive, source) < 0) return -1;
  if (setns(child->target, CLONE_NEWNS) < 0) return fail("setns", "the container");
  cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  cleanup_fd int at = root < 0 ? -1 : sys_openat2(root, target, O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
  if (at < 0) return fail("open", target);
  if (place_mount(tree, at, target) < 0) return -1;
  return setns(own, CLONE_NEWNS) < 0 ? fail("setns", "/proc/self/ns/mnt") : 0;
}

static int step_leave_root(struct child *child, struct reader *args) {
  if (step_move_root(child->root, args) < 0) return -1;
  int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? fail("open", "/") : keep_root(child, root);
}

static int run_step(struct child *child, uint32_t code, struct reader *args) {
  switch ((enum step)code) {
    case CHILD_ENTER: return step_enter(args);
    case CHILD_ENTER_TARGET: return step_enter_target(child, args);
    case CHILD_BIND_TARGET: return step_bind_target(child, args);
    case CHILD_UNSHARE: return step_unshare(args);
    case CHILD_PROPAGATION: return step_propagation(args);
    case CHILD_ROOT_OVERLAY: return keep_root(child, step_root_overlay(args));
    case CHILD_ROOT_BIND: return keep_root(child, step_root_bind(args));
    case CHILD_MOUNT: return step_mount(child->root, args);
    case CHILD_BIND: return step_bind(child->root, args);
    case CHILD_OVERLAY: return step_overlay(child->root, args);
    case CHILD_REMOUNT: return step_remount(child->root, args);
    case CHILD_MKDIR: return step_mkdir(child->root, args);
    case CHILD_SYMLINK: return step_symlink(child->root, args);
    case CHILD_MKNOD: return step_mknod(child->root, args);
    case CHILD_MASK: return step_mask(child->root, args);
    case CHILD_READ_ONLY: return step_read_only(child->root, args);
    case CHILD_HOLD: return step_hold(child->root, args);
    case CHILD_MOVE_ROOT: return step_leave_root(child, args);
    case CHILD_HOSTNAME: return step_hostname(args);
    case CHILD_DOMAINNAME: return step_domainname(args);
    case CHILD_SYSCTL: return step_sysctl(child->root, args);
    case CHILD_LOOPBACK_UP: return step_loopback_up();
    case CHILD_ADDRESS: return step_address(args);
    case CHILD_LINK_UP: return step_link_up(args);
    case CHILD_ROUTE: return step_route(args);
    case CHILD_RLIMIT: return step_rlimit(args);
    case CHILD_KEYRING: return step_keyring(args);
    case CHILD_SESSION: return step_session(child, args);
    case CHILD_CWD: return step_cwd(child->root, args);
    case CHILD_USER: return step_user(args, child->has_stdio) < 0 ? -1 : die_with_supervisor(child->channel);
    case CHILD_CAPABILITIES: return step_capabilities(args);
    case CHILD_BOUNDING: return step_bounding(args);
    case CHILD_NO_NEW_PRIVILEGES: return step_no_new_privileges();
    case CHILD_PERSONALITY: return step_personality(args);
    case CHILD_SECCOMP: return step_seccomp(args);
    case CHILD_GATE: return step_gate(child, args);
    case CHILD_LEND: return step_lend(child, args);
    case CHILD_DONE: tell(child->channel, MESSAGE_EXEC, 0), _exit(0);
    case CHILD_HOLD_PROGRAM: return (child->program = step_hold_program(args)) < 0 ? -1 : 0;
    case CHILD_INIT: return step_init(child->channel, child->has_stdio);
    case CHILD_EXEC:
      tell(child->channel, MESSAGE_EXEC, 0);
      return step_exec(args, child->program);
    default: return errno = EINVAL, fail_because("decode", "the plan", "there is no such step");
  }
}

_Noreturn void run_child(struct reader steps, unsigned first_step, const struct stdio *stdio, const struct parent *parent) {
  int channel = parent->channel;
  struct child child = {.root = -1, .channel = channel, .target = parent->target, .gate = parent->gate, .program = -1, .stdio = stdio};
  unsigned step = first_step;
  char byte;
  /* The parent maps ids and joins groups first. */
  if (die_with_supervisor(channel) < 0 || read(parent->go, &byte, 1) != 1) _exit(125);
  close(parent->go);
  /* Nobody in the container looks into this one while it has more rights than they, unless they may trace all others; exec undoes it. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
    fail("prctl", "PR_SET_DUMPABLE");
    tell(channel, MESSAGE_FAILURE, step);
    _exit(125);
  }
  /* so that exec need not: a seccomp filter may forbid it by then */
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) fail("close_range", "");
  uint32_t code;
  struct reader args;
  child.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (; read_record(&steps, &code, &args); step += code != CHILD_BOUNDING) {
    int result = run_step(&child, code & ~STEP_OPTIONAL, &args);
    if (result == 0 && args.bad) result = (errno = EINVAL, fail("decode", "the plan"));
    if (result == 0) continue;
    if ((code & STEP_OPTIONAL) == 0) {
      tell(channel, MESSAGE_FAILURE, step);
      _exit(125);
    }
    tell(channel, MESSAGE_WARNING, step);
  }
  fail_because("decode", "the plan", "it breaks off before `exec`");
  tell(channel, MESSAGE_FAILURE, step);
  _exit(125);
}
