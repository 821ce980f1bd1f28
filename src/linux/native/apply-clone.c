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
  const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < 64; attempt++) {
    int fd = sys_openat2(apply_source, path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0, resolve);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return fd;
  }
  return -1;
}

/* What it was when its directory was read has been removed, or replaced, since. */
static bool is_gone(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO || error == EXDEV; }

/* Size and times that a file had when its directory was read. */
struct state {
  uint64_t size;
  struct timespec modified, changed;
};

static struct state read_state(struct reader *args) {
  struct state state = {.size = read_u64(args)};
  state.modified.tv_sec = read_i64(args);
  state.modified.tv_nsec = read_u32(args);
  state.changed.tv_sec = read_i64(args);
  state.changed.tv_nsec = read_u32(args);
  return state;
}

static bool is_same(struct timespec one, struct timespec other) { return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec; }

/* Asked when its content has been read: what is written to it meanwhile is not seen before. */
static int look_again(int source, const struct state *before, const char *from) {
  struct stat after;
  if (fstat(source, &after) < 0) return fail("fstat", from);
  bool same = (uint64_t)after.st_size == before->size && is_same(after.st_mtim, before->modified) && is_same(after.st_ctim, before->changed);
  if (!same) apply_sources_changed = true;
  return 0;
}

int apply_clone(struct reader *args) {
  const char *path = read_string(args), *from = read_string(args), *name;
  struct attributes attributes = read_attributes(args);
  struct state before = read_state(args);
  struct stat status;
  if (apply_source < 0) return errno = EINVAL, fail("decode", "a copy from nowhere");
  if (place_entry(path, &name) < 0) return -1;
  skip_entry();
  cleanup_fd int source = open_source(from);
  if (source < 0) return is_gone(errno) ? (apply_sources_changed = true, 0) : fail("open", from);
  if (fstat(source, &status) < 0) return fail("fstat", from);
  if (!S_ISREG(status.st_mode)) return apply_sources_changed = true, 0;
  int fd = make_file(path, name);
  if (fd < 0) return -1;
  if (file_begin(fd, path, (uint64_t)status.st_size, attributes, tree_needs_owner(&apply_tree, attributes)) < 0) return -1;
  if (copy_file_content(fd, source, status.st_size) < 0) return fail("copy", from);
  if (look_again(source, &before, from) < 0) return -1;
  if (file_end(apply_tree.ignore_owners) < 0) return -1;
  return name_entry(path);
}
