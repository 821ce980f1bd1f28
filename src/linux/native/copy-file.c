/* The content of one file into another: by reference where the file system can, otherwise byte by byte with its holes. */
#include "copy-file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "fail.h"

#define BUFFER_SIZE (256u << 10)
/* Read and written sooner than it is looked for holes, or asked whether it could be shared. */
#define SMALL_SIZE (64 << 10)

static int write_all(int to, const char *data, ssize_t size, off_t at) {
  while (size > 0) {
    ssize_t written = pwrite(to, data, (size_t)size, at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -1;
    data += written;
    at += written;
    size -= written;
  }
  return 0;
}

static int copy_by_hand(int to, int from, off_t at, off_t end) {
  static char buffer[BUFFER_SIZE];
  while (at < end) {
    size_t wanted = (size_t)(end - at) < sizeof buffer ? (size_t)(end - at) : sizeof buffer;
    ssize_t got = pread(from, buffer, wanted, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) return 0; /* it has become shorter meanwhile */
    if (write_all(to, buffer, got, at) < 0) return -1;
    at += got;
  }
  return 0;
}

static int copy_extent(int to, int from, off_t at, off_t end) {
  while (at < end) {
    loff_t in = at, out = at;
    ssize_t copied = copy_file_range(from, &in, to, &out, (size_t)(end - at), 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) return copy_by_hand(to, from, at, end);
    if (copied < 0) return -1;
    if (copied == 0) return 0;
    at += copied;
  }
  return 0;
}

int copy_file_content(int to, int from, off_t size) {
  if (size <= SMALL_SIZE) return copy_by_hand(to, from, 0, size);
  if (ioctl(to, FICLONE, from) == 0) return 0;
  if (errno != EOPNOTSUPP && errno != EXDEV && errno != EINVAL && errno != ENOTTY && errno != ENOSYS) return -1;
  for (off_t at = 0; at < size;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return 0; /* a hole to the end */
    if (data < 0) return copy_extent(to, from, at, size);
    off_t hole = lseek(from, data, SEEK_HOLE);
    if (hole < 0 || hole > size) hole = size;
    if (copy_extent(to, from, data, hole) < 0) return -1;
    at = hole > at ? hole : size;
  }
  return 0;
}
