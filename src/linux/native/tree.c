#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fail.h"
#include "root.h"

#define MAX_DEPTH 4096

int tree_parent(struct tree *tree, const char *path, const char **name) {
  const char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  size_t length = slash == NULL ? 0 : (size_t)(slash - path);
  if (**name == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return errno = EINVAL, fail("name", path);
  if (tree->parent >= 0 && strlen(tree->parent_path) == length && memcmp(tree->parent_path, path, length) == 0) return tree->parent;
  close_fd(&tree->parent);
  tree->parent = open_parent_in_root(tree->root, path, name);
  if (tree->parent < 0) return -1;
  memcpy(tree->parent_path, path, length);
  tree->parent_path[length] = '\0';
  return tree->parent;
}

static int remove_content(int directory, int depth) {
  if (depth == 0) return errno = ELOOP, fail("remove", "a directory that is too deep");
  DIR *stream = fdopendir(directory); /* takes the descriptor over */
  if (stream == NULL) return close(directory), fail("fdopendir", "");
  int result = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(stream)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (unlinkat(dirfd(stream), entry->d_name, 0) == 0) continue;
    if (errno != EISDIR && errno != EPERM) result = fail("unlinkat", entry->d_name);
    if (result < 0) break;
    int below = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    result = below < 0 ? fail("openat", entry->d_name) : remove_content(below, depth - 1);
    if (result == 0 && unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR) < 0) result = fail("unlinkat", entry->d_name);
  }
  closedir(stream);
  return result;
}

int tree_remove(int parent, const char *name) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return fail("unlinkat", name);
  int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) return fail("openat", name);
  if (remove_content(directory, MAX_DEPTH) < 0) return -1;
  return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? fail("unlinkat", name) : 0;
}

int tree_set_owner(const struct tree *tree, int parent, const char *name, struct attributes attributes) {
  if (fchownat(parent, name, attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  if (tree->ignore_owners && (errno == EPERM || errno == EINVAL)) return 0;
  return fail("fchownat", name);
}

int tree_set_times(int parent, const char *name, struct timespec modified) {
  struct timespec times[2] = {modified, modified};
  return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail("utimensat", name) : 0;
}
