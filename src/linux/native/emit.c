/* Answers of the archive job: entries with attributes and content. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "archive.h"
#include "blake2.h"
#include "fail.h"

#define PIECE (1u << 20)
#define MAX_XATTRS (512u << 10) /* of one file; more would not fit a tar header that anybody reads */
#define MAX_EXTENTS 4096
#define NOT_SPARSE UINT32_MAX

struct extent {
  uint64_t offset, size;
};

bool is_pseudo(int fd) {
  static const unsigned long kinds[] = {
      PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
      SECURITYFS_MAGIC, BPF_FS_MAGIC, EFIVARFS_MAGIC, 0x62656570 /* configfs */, 0x65735543 /* fusectl */, 0x19800202 /* mqueue */,
  };
  struct statfs status;
  if (fstatfs(fd, &status) < 0) return false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if ((unsigned long)status.f_type == kinds[i]) return true;
  }
  return false;
}

/* The node itself, be it a link: no call takes an O_PATH descriptor for attributes. */
static const char *self_link(int fd) {
  static char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return link;
}

static bool has_attribute(int fd, const char *name, const char *value) {
  char found[PATH_MAX];
  ssize_t size = getxattr(self_link(fd), name, found, sizeof found);
  return size >= 0 && (value == NULL || ((size_t)size == strlen(value) && memcmp(found, value, (size_t)size) == 0));
}

bool is_opaque(int fd) {
  return has_attribute(fd, "trusted.overlay.opaque", "y") || has_attribute(fd, "user.overlay.opaque", "y");
}

bool is_redirected(const struct node *node) {
  if (S_ISDIR(node->status.st_mode)) return has_attribute(node->fd, "trusted.overlay.redirect", NULL);
  return S_ISREG(node->status.st_mode) && has_attribute(node->fd, "trusted.overlay.metacopy", NULL);
}

static bool is_kept(const char *name) {
  if (strncmp(name, "user.overlay.", 13) == 0) return false;
  return strcmp(name, "security.capability") == 0 || strncmp(name, "user.", 5) == 0;
}

/* `file`: the node, where it is a file that has been opened; that spares the kernel the way through /proc. */
static ssize_t list_attributes(const struct node *node, int file, char *names, size_t size) {
  if (file >= 0) return flistxattr(file, names, size);
  return node->fd < 0 ? llistxattr(node->name, names, size) : listxattr(self_link(node->fd), names, size);
}

static ssize_t get_attribute(const struct node *node, const char *name, char *value, size_t size) {
  return node->fd < 0 ? lgetxattr(node->name, name, value, size) : getxattr(self_link(node->fd), name, value, size);
}

static int put_attributes(const struct node *node, int file, const char *path) {
  static char names[64 << 10], value[64 << 10];
  size_t total = 0;
  uint32_t count = 0;
  struct place count_at = put_later();
  ssize_t size = list_attributes(node, file, names, sizeof names);
  bool none = size < 0 && (errno == ENOTSUP || errno == EPERM || errno == EACCES || (node->fd < 0 && errno == ENOENT));
  if (size < 0) return none ? 0 : fail("listxattr", path);
  for (const char *name = names; name < names + size; name += strlen(name) + 1) {
    if (!is_kept(name)) continue;
    ssize_t length = get_attribute(node, name, value, sizeof value);
    if (length < 0) continue; /* gone meanwhile, or not for us */
    total += strlen(name) + (size_t)length;
    if (total > MAX_XATTRS) return errno = E2BIG, fail("getxattr", path);
    put_string(name);
    put_bytes(value, (size_t)length);
    count++;
  }
  put_at(count_at, count);
  return 0;
}

/* How many extents hold data; NOT_SPARSE when all of it does, or it is too scattered. */
static uint32_t find_extents(int file, const struct stat *status, struct extent *extents) {
  uint32_t count = 0;
  if ((uint64_t)status->st_blocks * 512 >= (uint64_t)status->st_size) return NOT_SPARSE;
  for (off_t at = 0; at < status->st_size;) {
    off_t data = lseek(file, at, SEEK_DATA);
    if (data < 0) return errno == ENXIO ? count : NOT_SPARSE;
    off_t hole = lseek(file, data, SEEK_HOLE);
    if (hole <= data || count == MAX_EXTENTS) return NOT_SPARSE;
    if (data >= status->st_size) return count;
    if (hole > status->st_size) hole = status->st_size;
    extents[count++] = (struct extent){(uint64_t)data, (uint64_t)(hole - data)};
    at = hole;
  }
  return count;
}

/* A file that shrinks meanwhile is filled up with zeros: its size has been told. */
static int copy_extent(int file, struct extent extent, const char *path) {
  static uint8_t piece[PIECE];
  while (extent.size > 0) {
    size_t size = extent.size < sizeof piece ? (size_t)extent.size : sizeof piece;
    ssize_t got = pread(file, piece, size, (off_t)extent.offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("read", path);
    if (got == 0) memset(piece, 0, size);
    else size = (size_t)got;
    if (put_content(piece, size) < 0) return -1;
    extent.offset += size;
    extent.size -= size;
  }
  return 0;
}

static void put_status(const struct stat *status) {
  put_u32(status->st_mode);
  put_u32(status->st_uid);
  put_u32(status->st_gid);
  put_u64((uint64_t)status->st_mtim.tv_sec);
  put_u32((uint32_t)status->st_mtim.tv_nsec);
  put_u64(S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0);
  put_u32(major(status->st_rdev));
  put_u32(minor(status->st_rdev));
  put_u64((uint64_t)status->st_ctim.tv_sec);
  put_u32((uint32_t)status->st_ctim.tv_nsec);
}

static int put_entry(const struct node *node, const char *path, enum change change, const char *link) {
  char target[PATH_MAX] = "";
  if (S_ISLNK(node->status.st_mode)) {
    ssize_t size = node->fd < 0 ? readlink(node->name, target, sizeof target - 1) : readlinkat(node->fd, "", target, sizeof target - 1);
    if (size < 0) return fail("readlink", path);
    target[size] = '\0';
  }
  if (begin_answer(ANSWER_ENTRY) < 0) return -1;
  put_string(path);
  put_u32(change);
  put_status(&node->status);
  put_string(target);
  put_string(link);
  return 0;
}

/* The end of an entry, and what is in the file. */
static int put_content_of(int file, const struct stat *status, const struct extent *extents, uint32_t count, const char *path) {
  put_u32(count);
  for (uint32_t i = 0; count != NOT_SPARSE && i < count; i++) {
    put_u64(extents[i].offset);
    put_u64(extents[i].size);
  }
  if (end_answer() < 0) return -1;
  if (count == NOT_SPARSE) return copy_extent(file, (struct extent){0, (uint64_t)status->st_size}, path);
  for (uint32_t i = 0; i < count; i++) {
    if (copy_extent(file, extents[i], path) < 0) return -1;
  }
  return 0;
}

static int emit_file(struct node node, const char *path, enum change change, const char *link) {
  static struct extent extents[MAX_EXTENTS];
  cleanup_fd int file = open(self_link(node.fd), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) return fail("open", path);
  if (fstat(file, &node.status) < 0) return fail("fstat", path);
  uint32_t count = find_extents(file, &node.status, extents);
  if (put_entry(&node, path, change, link) < 0 || put_attributes(&node, file, path) < 0) return -1;
  return put_content_of(file, &node.status, extents, count, path);
}

int emit_node(const struct node *node, const char *path, enum change change, bool with_content) {
  if (S_ISSOCK(node->status.st_mode)) return 0; /* means nothing without its process, and no archive holds one */
  const char *link = first_name(&node->status, path);
  if (link == NULL) return -1;
  if (S_ISREG(node->status.st_mode) && *link == '\0' && with_content) return emit_file(*node, path, change, link);
  if (put_entry(node, path, change, link) < 0 || put_attributes(node, -1, path) < 0) return -1;
  put_u32(NOT_SPARSE);
  return end_answer();
}

int emit_content(int file, const char *path) {
  static struct extent extents[MAX_EXTENTS];
  struct node node = {.fd = file};
  if (fstat(file, &node.status) < 0) return fail("fstat", path);
  if (!S_ISREG(node.status.st_mode)) return errno = EINVAL, fail("read", path);
  uint32_t count = find_extents(file, &node.status, extents);
  if (put_entry(&node, "", CHANGE_SAME, "") < 0) return -1;
  put_u32(0); /* attributes */
  return put_content_of(file, &node.status, extents, count, path);
}

static int add_extent(struct blake2 *hash, int file, struct extent extent, const char *path) {
  static uint8_t piece[PIECE];
  while (extent.size > 0) {
    ssize_t got = pread(file, piece, extent.size < sizeof piece ? (size_t)extent.size : sizeof piece, (off_t)extent.offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("read", path);
    if (got == 0) return 0; /* it shrinks */
    blake2_add(hash, piece, (size_t)got);
    extent.offset += (uint64_t)got;
    extent.size -= (uint64_t)got;
  }
  return 0;
}

/* Of a file with holes where its data is counts as well: nobody reads a terabyte of zeros. */
static int add_content(struct blake2 *hash, int file, const struct stat *status, const char *path) {
  static struct extent extents[MAX_EXTENTS];
  uint32_t count = find_extents(file, status, extents);
  blake2_begin(hash, count == NOT_SPARSE ? 0 : 1);
  if (count == NOT_SPARSE) return add_extent(hash, file, (struct extent){0, (uint64_t)status->st_size}, path);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t place[16];
    for (int byte = 0; byte < 8; byte++) {
      place[byte] = (uint8_t)(extents[i].offset >> byte * 8);
      place[8 + byte] = (uint8_t)(extents[i].size >> byte * 8);
    }
    blake2_add(hash, place, sizeof place);
    if (add_extent(hash, file, extents[i], path) < 0) return -1;
  }
  return 0;
}

int emit_digest(int file, const char *path) {
  struct blake2 hash;
  struct stat status = {.st_mode = 0};
  uint8_t digest[BLAKE2_DIGEST];
  if (file >= 0 && fstat(file, &status) < 0) return fail("fstat", path);
  bool is_file = S_ISREG(status.st_mode);
  if (is_file && add_content(&hash, file, &status, path) < 0) return -1;
  if (is_file) blake2_end(&hash, digest);
  if (begin_answer(ANSWER_DIGEST) < 0) return -1;
  put_bytes(digest, is_file ? sizeof digest : 0);
  return end_answer();
}

int emit_bare(const char *path, enum change change) {
  struct stat none = {.st_mode = 0};
  if (begin_answer(ANSWER_ENTRY) < 0) return -1;
  put_string(path);
  put_u32(change);
  put_status(&none);
  put_string("");
  put_string("");
  put_u32(0);
  put_u32(NOT_SPARSE);
  return end_answer();
}
