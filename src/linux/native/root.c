#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "kernel.h"

/* RESOLVE_IN_ROOT may answer EAGAIN when a rename happens elsewhere meanwhile. */
static int resolve(int root, const char *path, uint64_t flags) {
  for (int attempt = 0; attempt < 64; attempt++) {
    int fd = sys_openat2(root, path, flags | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return fd;
  }
  return -1;
}

static int make_missing_directories(int root, char *path) {
  for (char *slash = path; slash != NULL;) {
    slash = strchr(slash + 1, '/');
    if (slash != NULL) *slash = '\0';
    cleanup_fd int there = *path == '\0' ? -2 : resolve(root, path, O_PATH | O_DIRECTORY);
    if (there == -1) {
      if (errno != ENOENT) return fail("openat2", path);
      char *name = strrchr(path, '/');
      if (name != NULL) *name = '\0';
      cleanup_fd int parent = resolve(root, name == NULL || *path == '\0' ? "/" : path, O_PATH | O_DIRECTORY);
      if (parent < 0) return fail("openat2", path);
      const char *base = name == NULL ? path : name + 1;
      /* a dangling symlink stays one: mkdirat does not follow, and the next look-up says so */
      if (mkdirat(parent, base, 0755) < 0 && errno != EEXIST) return fail("mkdirat", base);
      if (name != NULL) *name = '/';
    }
    if (slash != NULL) *slash = '/';
  }
  return 0;
}

int open_parent_in_root(int root, const char *path, const char **name) {
  char copy[PATH_MAX];
  if (strlen(path) >= sizeof copy) return errno = ENAMETOOLONG, fail("openat2", path);
  const char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  size_t length = slash == NULL ? 0 : (size_t)(slash - path);
  memcpy(copy, path, length);
  copy[length] = '\0';
  if (length == 0) {
    int fd = resolve(root, "/", O_PATH | O_DIRECTORY);
    return fd < 0 ? fail("openat2", "/") : fd;
  }
  if (make_missing_directories(root, copy) < 0) return -1;
  int fd = resolve(root, copy, O_PATH | O_DIRECTORY);
  return fd < 0 ? fail("openat2", copy) : fd;
}

int open_in_root(int root, const char *path, enum create create) {
  int fd = resolve(root, path, O_PATH);
  if (fd >= 0 || errno != ENOENT || create == CREATE_NONE) return fd < 0 ? fail("openat2", path) : fd;
  const char *name;
  cleanup_fd int parent = open_parent_in_root(root, path, &name);
  if (parent < 0) return -1;
  if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return errno = EINVAL, fail("create", path);
  if (create == CREATE_DIRECTORY && mkdirat(parent, name, 0755) < 0 && errno != EEXIST) return fail("mkdirat", path);
  if (create == CREATE_FILE) {
    cleanup_fd int made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
    if (made < 0 && errno != EEXIST) return fail("create", path);
  }
  fd = resolve(root, path, O_PATH);
  return fd < 0 ? fail("openat2", path) : fd;
}
