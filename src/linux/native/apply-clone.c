/* Files of another directory, which somebody may be changing meanwhile, copied into this one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "apply-file.h"
#include "apply.h"
#include "copy-file.h"
#include "fail.h"
#include "kernel.h"

/* -1 with errno. */
static int open_source(const char *path) {
  const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (int attempt = 0; attempt < 64; attempt++) {
    int fd = sys_openat2(apply_source, path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0, resolve);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return fd;
  }
  return -1;
}

/* What it was when its directory was read has been removed, or replaced, since. */
static bool is_gone(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO || error == EXDEV; }

int apply_clone(struct reader *args) {
  const char *path = read_string(args), *from = read_string(args), *name;
  struct attributes attributes = read_attributes(args);
  struct stat status;
  if (apply_source < 0) return errno = EINVAL, fail("decode", "a copy from nowhere");
  if (place_entry(path, &name) < 0) return -1;
  skip_entry();
  cleanup_fd int source = open_source(from);
  if (source < 0) return is_gone(errno) ? 0 : fail("open", from);
  if (fstat(source, &status) < 0) return fail("fstat", from);
  if (!S_ISREG(status.st_mode)) return 0;
  int fd = make_file(path, name);
  if (fd < 0) return -1;
  if (file_begin(fd, path, (uint64_t)status.st_size, attributes, tree_needs_owner(&apply_tree, attributes)) < 0) return -1;
  if (copy_file_content(fd, source, status.st_size) < 0) return fail("copy", from);
  if (file_end(apply_tree.ignore_owners) < 0) return -1;
  return name_entry(path);
}
