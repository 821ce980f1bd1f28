/* Entries of a layer, as steps: each takes the place of whatever an earlier one left there. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "apply-file.h"
#include "apply.h"
#include "fail.h"
#include "root.h"

#define tree apply_tree
#define FRESH_FILE (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
#define SAME_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* What extended attributes that follow are for: a descriptor, or a name that is not followed. */
static struct {
  enum { TARGET_NONE, TARGET_FILE, TARGET_DIRECTORY, TARGET_NAME } kind;
  int directory;
  char path[PATH_MAX];
} target = {.directory = -1};

static bool finished;
static bool merging; /* into a tree of somebody's: no directory makes way for a file, nor the other way about */
static char opaque_name[64]; /* as the last whiteout gave it */

bool apply_is_finished(void) { return finished; }

struct attributes read_attributes(struct reader *args) {
  struct attributes attributes;
  attributes.mode = read_u32(args);
  attributes.uid = read_u32(args);
  attributes.gid = read_u32(args);
  attributes.modified.tv_sec = read_i64(args);
  attributes.modified.tv_nsec = read_u32(args);
  return attributes;
}

static int target_path(const char *path, int kind) {
  close_fd(&target.directory);
  target.kind = kind;
  if (strlen(path) >= sizeof target.path) return errno = ENAMETOOLONG, fail("path", path);
  strcpy(target.path, path);
  return 0;
}

/* Where a new entry is to be made; closes the books of the last one. */
int place_entry(const char *path, const char **name) {
  if (file_is_open()) return errno = EINVAL, fail("decode", "an entry inside of a file");
  if (target_path(path, TARGET_NAME) < 0) return -1;
  return tree_parent(&tree, path, name);
}

/* After a failed attempt: 0 when there is room for a second one. */
static int make_room(const char *doing, const char *path, const char *name) {
  struct stat status;
  if (errno != EEXIST) return fail(doing, path);
  if (merging && fstatat(tree.parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
    return errno = EISDIR, fail("merge", path);
  if (merging && tree_is_mount_point(&tree, name)) return errno = EBUSY, fail("merge", path);
  return tree_remove(&tree, name);
}

static int set_opaque(int directory, const char *path) {
  return fsetxattr(directory, opaque_name, "y", 1, 0) < 0 ? fail("setxattr", path) : 0;
}

/* *hidden tells that a whiteout stood there: what lower layers have in the directory must stay hidden. */
static int make_directory(const char *path, const char *name, bool *hidden) {
  *hidden = false;
  if (mkdirat(tree.parent, name, 0700) == 0) return 0;
  struct stat status;
  if (errno != EEXIST || fstatat(tree.parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return fail("mkdirat", path);
  if (S_ISDIR(status.st_mode)) return tree.parent_stale = true, 0; /* it may be the parent, whose mode the tree knows */
  if (merging) return errno = ENOTDIR, fail("merge", path);
  *hidden = S_ISCHR(status.st_mode) && status.st_rdev == 0 && opaque_name[0] != '\0';
  if (tree_remove(&tree, name) < 0) return -1;
  return mkdirat(tree.parent, name, 0700) < 0 ? fail("mkdirat", path) : 0;
}

static int apply_directory(struct reader *args) {
  const char *path = read_string(args), *name = ".";
  struct attributes attributes = read_attributes(args);
  bool is_root = *path == '\0', hidden = false;
  if (is_root) tree.parent_stale = true;
  if (is_root ? target_path(path, TARGET_NAME) < 0 : place_entry(path, &name) < 0) return -1;
  if (!is_root && make_directory(path, name, &hidden) < 0) return -1;
  target.directory = openat(is_root ? tree.root : tree.parent, name, SAME_DIRECTORY);
  if (target.directory < 0) return fail("openat", path);
  target.kind = TARGET_DIRECTORY;
  if (fchown(target.directory, attributes.uid, attributes.gid) < 0 && !tree.ignore_owners) return fail("fchown", path);
  if (fchmod(target.directory, attributes.mode & 07777) < 0) return fail("fchmod", path);
  if (hidden && set_opaque(target.directory, path) < 0) return -1;
  return keep_times(path, attributes.modified);
}

int make_file(const char *path, const char *name) {
  int fd = openat(tree.parent, name, FRESH_FILE, 0600);
  if (fd < 0) {
    if (make_room("openat", path, name) < 0) return -1;
    fd = openat(tree.parent, name, FRESH_FILE, 0600);
  }
  return fd < 0 ? fail("openat", path) : fd;
}

void skip_entry(void) { target.kind = TARGET_NONE; }

int name_entry(const char *path) { return target_path(path, TARGET_NAME); }

static int apply_file(struct reader *args) {
  const char *path = read_string(args), *name;
  struct attributes attributes = read_attributes(args);
  uint64_t size = read_u64(args);
  if (place_entry(path, &name) < 0) return -1;
  if (merging && tree_is_mount_point(&tree, name))
    return target.kind = TARGET_FILE, file_rewrite(tree.parent, name, path, size, attributes);
  int fd = make_file(path, name);
  if (fd < 0) return -1;
  target.kind = TARGET_FILE;
  return file_begin(fd, path, size, attributes, tree_needs_owner(&tree, attributes));
}

int apply_data(const uint8_t *data, size_t size) {
  return file_is_open() ? file_write(data, size) : (errno = EINVAL, fail("decode", "data outside of a file"));
}

static int apply_hole(struct reader *args) {
  uint64_t size = read_u64(args);
  return file_is_open() ? file_skip(size) : (errno = EINVAL, fail("decode", "a hole outside of a file"));
}

static int apply_end(void) {
  target.kind = TARGET_NONE;
  return file_is_open() ? file_end(tree.ignore_owners) : (errno = EINVAL, fail("decode", "the end of no file"));
}

static int apply_symlink(struct reader *args) {
  const char *path = read_string(args), *points_to = read_string(args), *name;
  struct attributes attributes = read_attributes(args);
  if (place_entry(path, &name) < 0) return -1;
  if (symlinkat(points_to, tree.parent, name) < 0) {
    if (make_room("symlinkat", path, name) < 0) return -1;
    if (symlinkat(points_to, tree.parent, name) < 0) return fail("symlinkat", path);
  }
  if (tree_set_owner(&tree, name, attributes) < 0) return -1;
  return tree_set_times(tree.parent, name, attributes.modified);
}

/* The other name is looked up inside the tree as well; its last component is never followed. */
static int apply_hard_link(struct reader *args) {
  const char *path = read_string(args), *existing = read_string(args), *name, *existing_name;
  if (place_entry(path, &name) < 0 || tree_parent(&tree, existing, &existing_name) < 0) return -1;
  cleanup_fd int existing_parent = fcntl(tree.parent, F_DUPFD_CLOEXEC, 0);
  if (existing_parent < 0) return fail("fcntl", existing);
  struct stat wanted, found;
  if (fstatat(existing_parent, existing_name, &wanted, AT_SYMLINK_NOFOLLOW) < 0) return fail("hard link to", existing);
  if (S_ISDIR(wanted.st_mode)) return errno = EISDIR, fail("hard link to", existing);
  if (tree_parent(&tree, path, &name) < 0) return -1;
  if (linkat(existing_parent, existing_name, tree.parent, name, 0) == 0) return 0;
  if (errno != EEXIST) return fail("linkat", path);
  if (fstatat(tree.parent, name, &found, AT_SYMLINK_NOFOLLOW) < 0) return fail("fstatat", path);
  if (found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev) return 0;
  if (errno = EEXIST, make_room("linkat", path, name) < 0) return -1;
  return linkat(existing_parent, existing_name, tree.parent, name, 0) < 0 ? fail("linkat", path) : 0;
}

/* chown clears bits. By its name it could be a link by now: a container may be at work in the same directory. */
static int restore_mode(const char *path, const char *name, mode_t mode) {
  char link[64];
  struct stat status;
  cleanup_fd int node = openat(tree.parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (node < 0 || fstat(node, &status) < 0) return fail("openat", path);
  if ((status.st_mode & S_IFMT) != (mode & S_IFMT)) return errno = 0, fail_because("mknodat", path, "something else has taken its place");
  snprintf(link, sizeof link, "/proc/self/fd/%d", node);
  return chmod(link, mode & 07777) < 0 ? fail("chmod", path) : 0;
}

static int apply_node(struct reader *args) {
  const char *path = read_string(args), *name;
  struct attributes attributes = read_attributes(args);
  uint32_t major_number = read_u32(args), minor_number = read_u32(args);
  dev_t device = makedev(major_number, minor_number);
  mode_t type = attributes.mode & S_IFMT, mode = type | (attributes.mode & 07777);
  if (args->bad || (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO)) return errno = EINVAL, fail("decode", "a node");
  if (place_entry(path, &name) < 0) return -1;
  int made = mknodat(tree.parent, name, mode, device);
  if (made < 0 && errno == EEXIST) {
    if (make_room("mknodat", path, name) < 0) return -1;
    made = mknodat(tree.parent, name, mode, device);
  }
  /* a user namespace makes no devices; its containers could not use them either */
  if (made < 0 && errno == EPERM && tree.ignore_owners) return target_path("", TARGET_NONE);
  if (made < 0) return fail("mknodat", path);
  if (tree_set_owner(&tree, name, attributes) < 0) return -1;
  if (restore_mode(path, name, mode) < 0) return -1;
  return tree_set_times(tree.parent, name, attributes.modified);
}

/*
 * Hides what lower layers have there, never what this layer has put there itself (image-spec, layer.md#whiteouts): over a
 * directory that is what an opaque one does.
 */
static int apply_whiteout(struct reader *args) {
  const char *path = read_string(args), *opaque = read_string(args), *name;
  if (strlen(opaque) >= sizeof opaque_name) return errno = EINVAL, fail("decode", "a whiteout");
  strcpy(opaque_name, opaque);
  if (place_entry(path, &name) < 0) return -1;
  target.kind = TARGET_NONE;
  if (mknodat(tree.parent, name, S_IFCHR, makedev(0, 0)) == 0) return 0;
  struct stat status;
  if (errno != EEXIST || fstatat(tree.parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return fail("mknodat", path);
  if (!S_ISDIR(status.st_mode)) return 0;
  cleanup_fd int directory = openat(tree.parent, name, SAME_DIRECTORY);
  return directory < 0 ? fail("openat", path) : set_opaque(directory, path);
}

/* The archive may list the directory later or never. */
static int apply_opaque(struct reader *args) {
  const char *path = read_string(args), *opaque = read_string(args);
  if (strlen(opaque) >= sizeof opaque_name) return errno = EINVAL, fail("decode", "an opaque directory");
  strcpy(opaque_name, opaque);
  if (target_path("", TARGET_NONE) < 0) return -1;
  if (*path == '\0') return set_opaque(tree.root, path);
  cleanup_fd int place_holder = open_in_root(tree.root, path, CREATE_DIRECTORY);
  if (place_holder < 0) return -1;
  cleanup_fd int directory = openat(place_holder, ".", SAME_DIRECTORY);
  return directory < 0 ? fail("openat", path) : set_opaque(directory, path);
}

static int set_xattr(const char *key, struct bytes value) {
  if (target.kind == TARGET_FILE) return fsetxattr(file_descriptor(), key, value.data, value.size, 0);
  if (target.kind == TARGET_DIRECTORY) return fsetxattr(target.directory, key, value.data, value.size, 0);
  char link[PATH_MAX + 64];
  const char *name;
  if (tree_parent(&tree, target.path, &name) < 0) return -1;
  /* no call takes a directory and a name that is not followed */
  snprintf(link, sizeof link, "/proc/self/fd/%d/%s", tree.parent, name);
  return lsetxattr(link, key, value.data, value.size, 0);
}

static int apply_xattr(struct reader *args) {
  const char *key = read_string(args);
  struct bytes value = read_bytes(args);
  if (args->bad) return errno = EINVAL, fail("decode", "an extended attribute");
  if (target.kind == TARGET_NONE) return 0;
  if (target.kind == TARGET_FILE && file_settle(tree.ignore_owners) < 0) return -1;
  if (set_xattr(key, value) == 0) return 0;
  /* Not on this file system, not on this kind of file, or only for the host's root: as with docker, it goes without. */
  if (errno == ENOTSUP || (errno == EPERM && (tree.ignore_owners || strncmp(key, "user.", 5) == 0))) return 0;
  if (errno == ENOSPC) errno = E2BIG; /* the disk is not full: the attribute is too large */
  return fail("setxattr", target.path);
}

static int apply_remove(struct reader *args) {
  const char *path = read_string(args), *name;
  return place_entry(path, &name) < 0 ? -1 : tree_remove(&tree, name);
}

/* Has each new directory begin far from the others, where no inode was freed a moment ago: ext4 avoids those one by one. */
static int apply_spread(void) {
  int flags;
  if (ioctl(tree.root, FS_IOC_GETFLAGS, &flags) == 0) {
    flags |= FS_TOPDIR_FL;
    (void)!ioctl(tree.root, FS_IOC_SETFLAGS, &flags); /* other file systems know no such thing */
  }
  return 0;
}

static int finish(void) {
  if (file_is_open()) return errno = EINVAL, fail("decode", "the end inside of a file");
  if (set_kept_times() < 0) return -1;
  finished = true;
  return 0;
}

int apply_step(uint32_t code, struct reader *args) {
  switch ((enum apply_step)code) {
    case APPLY_USER_NAMESPACE: return apply_in_user_namespace(args);
    case APPLY_DIRECTORY: return apply_directory(args);
    case APPLY_FILE: return apply_file(args);
    case APPLY_HOLE: return apply_hole(args);
    case APPLY_END: return apply_end();
    case APPLY_SYMLINK: return apply_symlink(args);
    case APPLY_HARD_LINK: return apply_hard_link(args);
    case APPLY_NODE: return apply_node(args);
    case APPLY_WHITEOUT: return apply_whiteout(args);
    case APPLY_OPAQUE: return apply_opaque(args);
    case APPLY_XATTR: return apply_xattr(args);
    case APPLY_REMOVE: return apply_remove(args);
    case APPLY_SPREAD: return apply_spread();
    case APPLY_MERGE: return merging = true, 0;
    case APPLY_CLONE: return apply_clone(args);
    case APPLY_FINISH: return finish();
    default: return errno = EINVAL, fail_because("decode", "the steps", "there is no such step");
  }
}
