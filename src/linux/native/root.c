#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "kernel.h"

#define MAX_LINKS 40 /* as many as the kernel follows */

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

/* 1: `name` is a link, and `*target` the path to go on with, as the kernel would; 0: it is none. */
static int read_link(int parent, const char *name, const char *path, char target[PATH_MAX]) {
  char text[PATH_MAX];
  ssize_t size = readlinkat(parent, name, text, sizeof text - 1);
  if (size < 0) return errno == EINVAL || errno == ENOENT ? 0 : fail("readlinkat", path);
  text[size] = '\0';
  const char *slash = text[0] == '/' ? NULL : strrchr(path, '/');
  int directory = slash == NULL ? 0 : (int)(slash - path) + 1;
  if (snprintf(target, PATH_MAX, "%.*s%s", directory, path, text) >= PATH_MAX) return errno = ENAMETOOLONG, fail("readlinkat", path);
  return 1;
}

static int make_in_directory(int parent, const char *name, const char *path, enum create create) {
  if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return errno = EINVAL, fail("create", path);
  if (create == CREATE_DIRECTORY) return mkdirat(parent, name, 0755) < 0 && errno != EEXIST ? fail("mkdirat", path) : 0;
  cleanup_fd int made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
  return made < 0 && errno != EEXIST ? fail("create", path) : 0;
}

int open_in_root(int root, const char *path, enum create create) {
  char target[PATH_MAX], next[PATH_MAX];
  for (int links = 0; links < MAX_LINKS; links++) {
    int fd = resolve(root, path, O_PATH);
    if (fd >= 0 || errno != ENOENT || create == CREATE_NONE) return fd < 0 ? fail("openat2", path) : fd;
    const char *name;
    cleanup_fd int parent = open_parent_in_root(root, path, &name);
    if (parent < 0) return -1;
    /* /etc/resolv.conf -> ../run/systemd/resolve/stub-resolv.conf: what the link leads to is made */
    int is_link = read_link(parent, name, path, next);
    if (is_link < 0 || (is_link == 0 && make_in_directory(parent, name, path, create) < 0)) return -1;
    if (is_link) path = strcpy(target, next);
  }
  return errno = ELOOP, fail("openat2", path);
}
