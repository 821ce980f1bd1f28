/* A file or directory of the host, or a part of a volume, shown inside the root; its ids may be mapped. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fail.h"
#include "kernel.h"
#include "mounts.h"
#include "root.h"

#define MAX_RANGES 340 /* as many as a user namespace takes */
#define RANGE_TEXT 36

/* Below a directory that containers may be changing: no link in it leads anywhere else. */
static int open_within(const char *source, const char *within) {
  cleanup_fd int top = open(source, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (top < 0) return fail("open", source);
  for (int attempt = 0; attempt < 64; attempt++) {
    int part = sys_openat2(top, within, O_PATH | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    if (part >= 0) return part;
    if (errno == EXDEV) return fail_because("open", within, "it leads out of the volume");
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return fail("open", within);
}

/* A detached copy of the mount. */
static int clone_mount(const char *source, const char *within, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  if (*within == '\0') {
    int mount = open_tree(AT_FDCWD, source, flags);
    return mount < 0 ? mount_failed("open_tree", source) : mount;
  }
  cleanup_fd int part = open_within(source, within);
  if (part < 0) return -1;
  int mount = open_tree(part, "", flags | AT_EMPTY_PATH);
  return mount < 0 ? mount_failed("open_tree", within) : mount;
}

/* Lines of a uid_map: first id on the disk, first id shown, count. Answers their length; 0 when there are none. */
static int read_ranges(struct reader *args, char *text, size_t *size) {
  uint32_t count = read_u32(args);
  if (args->bad || count > MAX_RANGES) return errno = EINVAL, fail("decode", "an id map");
  *size = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t inside = read_u32(args), outside = read_u32(args), length = read_u32(args);
    *size += (size_t)snprintf(text + *size, RANGE_TEXT, "%u %u %u\n", inside, outside, length);
  }
  return args->bad ? (errno = EINVAL, fail("decode", "an id map")) : 0;
}

/* Its namespace is all that is wanted of it. `ready` takes its number as /proc has it, whatever its own pid namespace says. */
_Noreturn static void live_in_user_namespace(int ready, int end) {
  char name[16], byte;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || unshare(CLONE_NEWUSER) < 0) _exit(1);
  ssize_t size = readlink("/proc/self", name, sizeof name);
  if (size <= 0 || write(ready, name, (size_t)size) != size) _exit(1);
  while (read(end, &byte, 1) < 0 && errno == EINTR) continue;
  _exit(0);
}

static int write_map(const char *process, const char *file, const char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/%s", process, file);
  cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fail("open", path);
  return write(fd, text, size) != (ssize_t)size ? fail("write", path) : 0;
}

struct id_maps {
  char uids[MAX_RANGES * RANGE_TEXT], gids[MAX_RANGES * RANGE_TEXT];
  size_t uids_size, gids_size;
};

static int open_mapped(const char *process, const struct id_maps *maps) {
  char path[64];
  if (write_map(process, "uid_map", maps->uids, maps->uids_size) < 0) return -1;
  if (write_map(process, "gid_map", maps->gids, maps->gids_size) < 0) return -1;
  snprintf(path, sizeof path, "/proc/%s/ns/user", process);
  int namespace = open(path, O_RDONLY | O_CLOEXEC);
  return namespace < 0 ? fail("open", path) : namespace;
}

/* A user namespace with these ids, in which nobody lives any more when this returns. */
static int open_id_namespace(const struct id_maps *maps) {
  int ready[2], end[2];
  if (pipe2(ready, O_CLOEXEC) < 0) return fail("pipe2", "");
  if (pipe2(end, O_CLOEXEC) < 0) return close(ready[0]), close(ready[1]), fail("pipe2", "");
  pid_t helper = fork();
  if (helper == 0) {
    close(ready[0]);
    close(end[1]);
    live_in_user_namespace(ready[1], end[0]);
  }
  cleanup_fd int from_helper = ready[0], to_helper = end[1];
  close(ready[1]);
  close(end[0]);
  if (helper < 0) return fail("fork", "");
  char process[16];
  ssize_t size = read(from_helper, process, sizeof process - 1);
  process[size > 0 ? size : 0] = '\0';
  int namespace = size > 0 ? open_mapped(process, maps) : (errno = 0, fail_because("unshare", "user namespace", "this host makes none"));
  int error = errno;
  close_fd(&to_helper);
  while (waitpid(helper, NULL, 0) < 0 && errno == EINTR) continue;
  return errno = error, namespace;
}

static int map_ids(int mount, const struct id_maps *maps, const char *object) {
  cleanup_fd int namespace = open_id_namespace(maps);
  if (namespace < 0) return -1;
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
  if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0) return 0;
  if (errno == EINVAL) return fail_because("idmap", object, "this file system or kernel cannot map ids");
  if (errno == EPERM) return fail_because("idmap", object, "only root may map ids of this file system");
  return fail("idmap", object);
}

int step_bind(int root, struct reader *args) {
  static struct id_maps maps;
  const char *source = read_string(args), *target = read_string(args);
  uint32_t recursive = read_u32(args);
  uint64_t attributes = read_u64(args);
  uint32_t recursive_attributes = read_u32(args);
  uint64_t propagation = read_u64(args);
  uint32_t recursive_propagation = read_u32(args);
  enum create create = (enum create)read_u32(args);
  const char *within = read_string(args);
  if (read_ranges(args, maps.uids, &maps.uids_size) < 0 || read_ranges(args, maps.gids, &maps.gids_size) < 0) return -1;
  cleanup_fd int mount = clone_mount(source, within, recursive != 0);
  if (mount < 0) return -1;
  struct stat status;
  if (fstatat(mount, "", &status, AT_EMPTY_PATH) < 0) return fail("fstatat", source);
  if (create != CREATE_NONE) create = S_ISDIR(status.st_mode) ? CREATE_DIRECTORY : CREATE_FILE;
  cleanup_fd int at = open_in_root(root, target, create);
  if (at < 0) return -1;
  if (maps.uids_size > 0 && map_ids(mount, &maps, source) < 0) return -1;
  if (set_attributes(mount, attributes, 0, 0, recursive_attributes != 0, target) < 0) return -1;
  if (set_attributes(mount, 0, 0, propagation, recursive_propagation != 0, target) < 0) return -1;
  return place_mount(mount, at, target);
}
