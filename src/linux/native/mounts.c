#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fail.h"
#include "kernel.h"
#include "launch.h"
#include "root.h"

/* `mount` answers in words that mean something else elsewhere. */
int mount_failed(const char *doing, const char *object) {
  switch (errno) {
    case ENOSPC: return fail_because(doing, object, "the limit of mounts (fs.mount-max) is reached");
    case ELOOP: return fail_because(doing, object, "a layer is inside another one, or symbolic links loop");
    case EBUSY: return fail_because(doing, object, "it is in use by another mount");
    case EINVAL: return fail_because(doing, object, "the kernel does not accept these options");
    case ENODEV: return fail_because(doing, object, "the kernel does not have this file system");
    default: return fail(doing, object);
  }
}

int set_attributes(int mount, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, const char *object) {
  if (set == 0 && clear == 0 && propagation == 0) return 0;
  if (set & MOUNT_ATTR__ATIME) clear |= MOUNT_ATTR__ATIME;
  struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (mount_setattr(mount, "", flags, &attr, sizeof attr) < 0) return mount_failed("mount_setattr", object);
  return 0;
}

int place_mount(int mount, int target, const char *object) {
  if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return mount_failed("move_mount", object);
  return 0;
}

int step_propagation(struct reader *args) {
  const char *path = read_string(args);
  uint64_t value = read_u64(args), recursive = read_u32(args);
  struct mount_attr attr = {.propagation = value};
  if (mount_setattr(AT_FDCWD, path, recursive ? AT_RECURSIVE : 0, &attr, sizeof attr) < 0)
    return mount_failed("mount_setattr", path);
  return 0;
}

int configure(int context, const char *key, const char *value) {
  int result = value == NULL ? fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0)
                             : fsconfig(context, FSCONFIG_SET_STRING, key, value, 0);
  return result < 0 ? mount_failed("fsconfig", key) : 0;
}

/* Options of the form `key=value,flag`. */
int configure_all(int context, const char *data) {
  cleanup_free char *copy = strdup(data);
  if (copy == NULL) return fail("strdup", data);
  char *rest = copy;
  for (char *option; (option = strsep(&rest, ",")) != NULL;) {
    if (*option == '\0') continue;
    char *value = strchr(option, '=');
    if (value != NULL) *value++ = '\0';
    if (configure(context, option, value) < 0) return -1;
  }
  return 0;
}

int make_mount(int context, uint64_t attributes, const char *object) {
  if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) return mount_failed("fsconfig create", object);
  int mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
  return mount < 0 ? mount_failed("fsmount", object) : mount;
}

int step_root_bind(struct reader *args) {
  const char *at = read_string(args), *source = read_string(args);
  cleanup_fd int mount = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (mount < 0) return mount_failed("open_tree", source);
  cleanup_fd int target = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (target < 0) return fail("open", at);
  if (place_mount(mount, target, at) < 0) return -1;
  return steal_fd(&mount);
}

static const struct {
  uint64_t flag;
  const char *name;
} super_flags[] = {{MS_RDONLY, "ro"}, {MS_SYNCHRONOUS, "sync"}, {MS_DIRSYNC, "dirsync"}, {MS_MANDLOCK, "mand"}, {MS_LAZYTIME, "lazytime"}};

int step_mount(int root, struct reader *args) {
  const char *type = read_string(args), *source = read_string(args), *target = read_string(args);
  uint64_t attributes = read_u64(args), super = read_u64(args);
  const char *data = read_string(args);
  enum create create = (enum create)read_u32(args);
  cleanup_fd int at = open_in_root(root, target, create);
  if (at < 0) return -1;
  cleanup_fd int context = fsopen(type, FSOPEN_CLOEXEC);
  if (context < 0) return mount_failed("fsopen", type);
  if (configure(context, "source", *source == '\0' ? type : source) < 0) return -1;
  for (size_t i = 0; i < sizeof super_flags / sizeof *super_flags; i++) {
    if ((super & super_flags[i].flag) != 0 && configure(context, super_flags[i].name, NULL) < 0) return -1;
  }
  if (configure_all(context, data) < 0) return -1;
  cleanup_fd int mount = make_mount(context, attributes, target);
  if (mount < 0) return -1;
  return place_mount(mount, at, target);
}

int step_remount(int root, struct reader *args) {
  const char *target = read_string(args);
  uint64_t set = read_u64(args), clear = read_u64(args);
  uint32_t recursive = read_u32(args);
  cleanup_fd int at = open_in_root(root, target, CREATE_NONE);
  if (at < 0) return -1;
  return set_attributes(at, set, clear, 0, recursive != 0, target);
}

#define HIDDEN (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

/* Closed is what no capability opens: a directory of mode 0, a device on a mount without devices. */
int step_mask(int root, struct reader *args) {
  const char *target = read_string(args);
  bool closed = read_u32(args) != 0;
  cleanup_fd int at = open_in_root(root, target, CREATE_NONE);
  if (at < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
  struct stat status;
  if (fstatat(at, "", &status, AT_EMPTY_PATH) < 0) return fail("fstatat", target);
  if (!S_ISDIR(status.st_mode)) {
    cleanup_fd int null = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (null < 0) return mount_failed("open_tree", "/dev/null");
    if (set_attributes(null, closed ? HIDDEN | MOUNT_ATTR_NODEV : 0, 0, 0, false, target) < 0) return -1;
    return place_mount(null, at, target);
  }
  cleanup_fd int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (context < 0) return mount_failed("fsopen", "tmpfs");
  if (configure(context, "ro", NULL) < 0 || configure(context, "nr_blocks", "1") < 0) return -1;
  if (closed && configure(context, "mode", "000") < 0) return -1;
  cleanup_fd int mount = make_mount(context, HIDDEN | MOUNT_ATTR_NODEV, target);
  return mount < 0 ? -1 : place_mount(mount, at, target);
}

static int bind_on_itself(int root, const char *target, uint64_t attributes) {
  cleanup_fd int at = open_in_root(root, target, CREATE_NONE);
  if (at < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
  cleanup_fd int mount = open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
  if (mount < 0) return mount_failed("open_tree", target);
  if (set_attributes(mount, attributes, 0, 0, true, target) < 0) return -1;
  return place_mount(mount, at, target);
}

int step_read_only(int root, struct reader *args) { return bind_on_itself(root, read_string(args), MOUNT_ATTR_RDONLY); }

int step_hold(int root, struct reader *args) { return bind_on_itself(root, read_string(args), 0); }

/* With its mode from the start: by the time of a chmod its name may be a link that another container has put in a shared volume. */
static int make_node(int parent, const char *name, mode_t mode, dev_t device) {
  mode_t before = umask(0);
  int made = S_ISDIR(mode) ? mkdirat(parent, name, mode & 07777) : mknodat(parent, name, mode, device);
  int error = errno;
  umask(before);
  return errno = error, made;
}

int step_mkdir(int root, struct reader *args) {
  const char *target = read_string(args);
  mode_t mode = (mode_t)read_u32(args);
  uid_t uid = read_u32(args);
  gid_t gid = read_u32(args);
  const char *name;
  cleanup_fd int parent = open_parent_in_root(root, target, &name);
  if (parent < 0) return -1;
  if (make_node(parent, name, S_IFDIR | mode, 0) < 0) return errno == EEXIST ? 0 : fail("mkdirat", target);
  if (fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0) return fail("fchownat", target);
  return 0;
}

int step_symlink(int root, struct reader *args) {
  const char *target = read_string(args), *to = read_string(args), *name;
  cleanup_fd int parent = open_parent_in_root(root, target, &name);
  if (parent < 0) return -1;
  if (symlinkat(to, parent, name) < 0 && errno != EEXIST) return fail("symlinkat", target);
  return 0;
}

static int bind_device(int root, const char *source, const char *target) {
  cleanup_fd int device = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (device < 0) return mount_failed("open_tree", source);
  cleanup_fd int at = open_in_root(root, target, CREATE_FILE);
  return at < 0 ? -1 : place_mount(device, at, target);
}

int step_mknod(int root, struct reader *args) {
  const char *target = read_string(args);
  mode_t type = (mode_t)read_u32(args);
  unsigned major = read_u32(args), minor = read_u32(args);
  mode_t mode = (mode_t)read_u32(args);
  uid_t uid = read_u32(args);
  gid_t gid = read_u32(args);
  const char *source = read_string(args), *name;
  cleanup_fd int parent = open_parent_in_root(root, target, &name);
  if (parent < 0) return -1;
  if (make_node(parent, name, type | mode, makedev(major, minor)) < 0) {
    if (errno == EPERM && *source != '\0') return bind_device(root, source, target);
    return errno == EEXIST ? 0 : fail("mknodat", target);
  }
  if (fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0) return fail("fchownat", target);
  return 0;
}

int step_move_root(int root, struct reader *args) {
  const char *at = read_string(args);
  if (fchdir(root) < 0) return fail("fchdir", at);
  /* The old root lands on top of the new one and is detached from there: no directory for it is needed. */
  if (sys_pivot_root(".", ".") < 0) return mount_failed("pivot_root", at);
  if (umount2(".", MNT_DETACH) < 0) return fail("umount2", "the old root");
  if (chdir("/") < 0) return fail("chdir", "/");
  return 0;
}
