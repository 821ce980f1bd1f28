#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "kernel.h"
#include "root.h"

/* Directories deeper than this are moved up before they are emptied: descriptors and stack stay bounded. */
#define MAX_DEPTH 64
#define MAX_ROUNDS 16

static int open_parent(struct tree *tree, const char *path) {
  if (tree->parent_length == 0) return fcntl(tree->root, F_DUPFD_CLOEXEC, 0);
  int parent = sys_openat2(tree->root, tree->parent_path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  if (parent >= 0) return parent;
  const char *name;
  return open_parent_in_root(tree->root, path, &name);
}

int tree_parent(struct tree *tree, const char *path, const char **name) {
  const char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  size_t length = slash == NULL ? 0 : (size_t)(slash - path);
  if (**name == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return errno = EINVAL, fail("name", path);
  if (length >= sizeof tree->parent_path) return errno = ENAMETOOLONG, fail("openat2", path);
  bool open = tree->parent >= 0 && !tree->parent_stale;
  if (open && tree->parent_length == length && memcmp(tree->parent_path, path, length) == 0) return tree->parent;
  close_fd(&tree->parent);
  tree->parent_stale = false;
  memcpy(tree->parent_path, path, length);
  tree->parent_path[length] = '\0';
  tree->parent_length = length;
  tree->parent = open_parent(tree, path);
  if (tree->parent < 0) return -1;
  struct stat status;
  if (fstat(tree->parent, &status) < 0) return fail("fstat", tree->parent_path);
  tree->parent_sets_group = (status.st_mode & S_ISGID) != 0;
  return tree->parent;
}

/* Neither through a symlink nor into what is mounted there: neither is part of the tree. */
static int open_below(int parent, const char *name) {
  const uint64_t flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = sys_openat2(parent, name, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
  return fd < 0 ? fail("openat2", name) : fd;
}

/* Moves a directory to the top of what is being removed, under a name that nothing there has. */
static int move_up(int top, int from, const char *name) {
  static unsigned counter;
  for (;;) {
    char fresh[32];
    snprintf(fresh, sizeof fresh, ".deep-%u", counter++);
    if (syscall(SYS_renameat2, from, name, top, fresh, 1 /* RENAME_NOREPLACE */) == 0) return 0;
    if (errno != EEXIST) return fail("rename", name);
  }
}

static int remove_content(int top, int directory, int depth, bool *moved);

/* Sets *moved when it has been moved to `top` instead. */
static int remove_directory(int top, int parent, const char *name, int depth, bool *moved) {
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
  if (errno == ENOTDIR) errno = EPERM; /* a file, which its own error brought here */
  if (errno != ENOTEMPTY && errno != EEXIST) return fail("unlinkat", name);
  if (depth == 0) return *moved = true, move_up(top, parent, name);
  int directory = open_below(parent, name);
  if (directory < 0 || remove_content(top, directory, depth - 1, moved) < 0) return -1;
  return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? fail("unlinkat", name) : 0;
}

/* Takes `directory` over. */
static int remove_content(int top, int directory, int depth, bool *moved) {
  DIR *stream = fdopendir(directory);
  if (stream == NULL) return close(directory), fail("fdopendir", "");
  int result = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(stream)) != NULL;) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(dirfd(stream), name, 0) == 0) continue;
    bool is_directory = errno == EISDIR || errno == EPERM;
    result = is_directory ? remove_directory(top, dirfd(stream), name, depth, moved) : fail("unlinkat", name);
  }
  closedir(stream);
  return result;
}

int tree_remove(struct tree *tree, const char *name) {
  tree->parent_stale = true;
  if (unlinkat(tree->parent, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return fail("unlinkat", name);
  for (int round = 0;;) {
    bool moved = false;
    cleanup_fd int top = open_below(tree->parent, name);
    int directory = top < 0 ? -1 : fcntl(top, F_DUPFD_CLOEXEC, 0);
    if (directory < 0 || remove_content(top, directory, MAX_DEPTH, &moved) < 0) return -1;
    if (moved) continue;
    if (unlinkat(tree->parent, name, AT_REMOVEDIR) == 0) return 0;
    /* a writer that was killed just now may have made its last file meanwhile */
    if (errno != ENOTEMPTY || round++ == MAX_ROUNDS) return fail("unlinkat", name);
  }
}

bool tree_is_mount_point(const struct tree *tree, const char *name) {
  struct statx status;
  if (statx(tree->parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) < 0) return false;
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool tree_needs_owner(const struct tree *tree, struct attributes attributes) {
  return attributes.uid != 0 || attributes.gid != 0 || tree->parent_sets_group;
}

int tree_set_owner(const struct tree *tree, const char *name, struct attributes attributes) {
  if (!tree_needs_owner(tree, attributes)) return 0;
  if (fchownat(tree->parent, name, attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  if (tree->ignore_owners && (errno == EPERM || errno == EINVAL)) return 0;
  return fail("fchownat", name);
}

int tree_set_times(int parent, const char *name, struct timespec modified) {
  struct timespec times[2] = {modified, modified};
  return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail("utimensat", name) : 0;
}
