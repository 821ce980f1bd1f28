#include "apply-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fail.h"

/* Zeros of this many bytes become a hole: a bomb of zeros takes no room on the disk. */
#define HOLE_SIZE (32u << 10)

static struct {
  int fd; /* -1 outside of a file */
  bool settled, set_owner;
  uint64_t size, position, written; /* `written`: where the last byte that was really written ends */
  struct attributes attributes;
  char path[256];
} file = {.fd = -1};

int file_begin(int fd, const char *path, uint64_t size, struct attributes attributes, bool set_owner) {
  file.fd = fd;
  file.settled = false;
  file.set_owner = set_owner;
  file.size = size;
  file.position = file.written = 0;
  file.attributes = attributes;
  file.path[0] = '\0';
  strncat(file.path, path, sizeof file.path - 1);
  return size > INT64_MAX ? (errno = EFBIG, fail("ftruncate", path)) : 0;
}

int file_rewrite(int parent, const char *name, const char *path, uint64_t size, struct attributes attributes) {
  struct stat status;
  cleanup_fd int fd = openat(parent, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) < 0) return fail("openat", path);
  if (!S_ISREG(status.st_mode)) return errno = EBUSY, fail("merge", path);
  if (ftruncate(fd, 0) < 0) return fail("ftruncate", path);
  attributes.mode = status.st_mode;
  return file_begin(steal_fd(&fd), path, size, attributes, false);
}

bool file_is_open(void) { return file.fd >= 0; }

int file_descriptor(void) { return file.fd; }

static bool is_zero(const uint8_t *data, size_t size) { return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0; }

static int write_bytes(const uint8_t *data, size_t size) {
  while (size > 0) {
    ssize_t written = pwrite(file.fd, data, size, (off_t)file.position);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail("write", file.path);
    data += written;
    size -= (size_t)written;
    file.position += (uint64_t)written;
    file.written = file.position;
  }
  return 0;
}

/* How many bytes of `data` go on the disk before the next hole; *hole is how many zeros follow that do not. */
static size_t measure(const uint8_t *data, size_t size, size_t *hole) {
  *hole = 0;
  bool in_hole = file.position > file.written; /* pieces of a hole may be of any size, its first one may not */
  for (size_t at = 0; at < size;) {
    size_t unit = size - at < HOLE_SIZE ? size - at : HOLE_SIZE;
    if ((unit == HOLE_SIZE || (in_hole && at == 0)) && is_zero(data + at, unit)) return *hole = unit, at;
    at += unit;
  }
  return size;
}

int file_write(const uint8_t *data, size_t size) {
  if (size > file.size - file.position) return errno = EFBIG, fail("write", file.path);
  for (size_t hole; size > 0;) {
    size_t bytes = measure(data, size, &hole);
    if (write_bytes(data, bytes) < 0) return -1;
    file.position += hole;
    data += bytes + hole;
    size -= bytes + hole;
  }
  return 0;
}

int file_skip(uint64_t size) {
  if (size > file.size - file.position) return errno = EFBIG, fail("skip", file.path);
  file.position += size;
  return 0;
}

int file_settle(bool ignore_owners) {
  if (file.settled) return 0;
  file.settled = true;
  const struct attributes *wanted = &file.attributes;
  if (file.written < file.size && ftruncate(file.fd, (off_t)file.size) < 0) return fail("ftruncate", file.path);
  if (file.set_owner && fchown(file.fd, wanted->uid, wanted->gid) < 0 && !ignore_owners) return fail("fchown", file.path);
  return fchmod(file.fd, wanted->mode & 07777) < 0 ? fail("fchmod", file.path) : 0;
}

int file_end(bool ignore_owners) {
  if (file_settle(ignore_owners) < 0) return -1;
  cleanup_fd int fd = steal_fd(&file.fd);
  struct timespec times[2] = {file.attributes.modified, file.attributes.modified};
  return futimens(fd, times) < 0 ? fail("futimens", file.path) : 0;
}
