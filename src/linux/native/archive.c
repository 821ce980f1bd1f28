/*
 * `coracle-native archive DIRECTORY [LOWER...]`: answers requests about files below a directory, or about the union of
 * directories. Requests come whole on descriptor 0, answers go to descriptor 1; instead of an answer a line `FAILED` may stand.
 */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "apply.h"
#include "fail.h"
#include "jobs.h"
#include "kernel.h"

#define MAX_REQUESTS (1u << 20)
#define FOLLOW 1u
#define CONTENT 2u
#define TOLERANT 4u

static int *layers;
static unsigned layer_count;

/* RESOLVE_IN_ROOT may answer EAGAIN when a rename happens elsewhere meanwhile. */
static int resolve(const char *path, bool follow) {
  uint64_t flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  for (int attempt = 0; attempt < 64; attempt++) {
    int fd = sys_openat2(layers[0], *path == '\0' ? "." : path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return fd;
  }
  return -1;
}

static int name_of(int fd, char *name, size_t size) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, name, size - 1);
  if (length < 0) return fail("readlink", link);
  name[length] = '\0';
  return 0;
}

/* Where the node is below the root, links resolved; "" for what has been removed or moved out meanwhile. */
static int inner_name(int fd, char *name, size_t size) {
  char root[PATH_MAX];
  if (name_of(layers[0], root, sizeof root) < 0 || name_of(fd, name, size) < 0) return -1;
  size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
  bool inside = strncmp(name, root, length) == 0 && (name[length] == '/' || name[length] == '\0');
  if (!inside) return *name = '\0', 0;
  memmove(name, name + length, strlen(name) - length + 1);
  if (*name == '\0') strcpy(name, "/");
  return 0;
}

static int answer_stat(struct reader *args) {
  const char *path = read_string(args);
  uint32_t flags = read_u32(args);
  char target[PATH_MAX] = "", name[PATH_MAX] = "";
  struct stat status = {.st_mode = 0};
  struct statvfs system = {.f_flag = 0};
  cleanup_fd int fd = resolve(path, (flags & FOLLOW) != 0);
  int error = fd < 0 ? errno : 0;
  if (fd >= 0 && (fstat(fd, &status) < 0 || fstatvfs(fd, &system) < 0)) return fail("fstat", path);
  if (fd >= 0 && inner_name(fd, name, sizeof name) < 0) return -1;
  if (S_ISLNK(status.st_mode)) {
    ssize_t size = readlinkat(fd, "", target, sizeof target - 1);
    if (size < 0) return fail("readlink", path);
    target[size] = '\0';
  }
  if (begin_answer(ANSWER_STAT) < 0) return -1;
  put_u32((uint32_t)error);
  put_u32(status.st_mode);
  put_u64((uint64_t)status.st_size);
  put_u32((uint32_t)(fd >= 0 && is_pseudo(fd)));
  put_u32((uint32_t)((system.f_flag & ST_RDONLY) != 0));
  put_string(target);
  put_string(name);
  return end_answer();
}

static int answer_walk(struct reader *args) {
  const char *path = read_string(args);
  uint32_t flags = read_u32(args);
  cleanup_fd int fd = resolve(path, (flags & FOLLOW) != 0);
  struct node start = {.fd = fd};
  if (fd < 0) return fail("open", path);
  if (fstat(fd, &start.status) < 0) return fail("fstat", path);
  return walk_tree(&start, (flags & CONTENT) != 0, (flags & TOLERANT) != 0);
}

/* The digest of all that a walk without content would have answered, its end too. */
static int answer_sum(struct reader *args) {
  if (begin_sum() < 0 || answer_walk(args) < 0) return -1;
  if (begin_answer(ANSWER_END) < 0 || end_answer() < 0) return -1;
  return end_sum();
}

/* No link leads to it. -1 with errno. */
static int open_plain(const char *path) {
  const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < 64; attempt++) {
    int fd = sys_openat2(layers[0], path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0, resolve);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return fd;
  }
  return -1;
}

/* The content of a file, with nothing but what a reader of it needs to know. */
static int answer_content(struct reader *args) {
  const char *path = read_string(args);
  cleanup_fd int fd = open_plain(path);
  return fd < 0 ? fail("open", path) : emit_content(fd, path);
}

/* What was a file a moment ago may be gone, or something else. */
static int answer_digest(struct reader *args) {
  const char *path = read_string(args);
  cleanup_fd int fd = open_plain(path);
  bool gone = fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO);
  return fd < 0 && !gone ? fail("open", path) : emit_digest(fd, path);
}

static int answer(uint32_t code, struct reader *args) {
  switch ((enum archive_request)code) {
    case ARCHIVE_USER_NAMESPACE: return apply_in_user_namespace(args);
    case ARCHIVE_STAT: return answer_stat(args);
    case ARCHIVE_WALK: return answer_walk(args);
    case ARCHIVE_SUM: return answer_sum(args);
    case ARCHIVE_MERGED: return walk_merged(layers, layer_count, read_string(args));
    case ARCHIVE_CONTENT: return answer_content(args);
    case ARCHIVE_DIGEST: return answer_digest(args);
    case ARCHIVE_CHANGES: return walk_changes(layers, layer_count, read_u32(args) != 0);
    default: return errno = EINVAL, fail_because("decode", "the requests", "there is no such request");
  }
}

static int answer_all(struct reader *requests) {
  uint32_t code;
  struct reader args;
  for (; read_record(requests, &code, &args);) {
    if (answer(code, &args) < 0) return -1;
    if (args.bad) return errno = EINVAL, fail("decode", "a request");
    if (code == ARCHIVE_USER_NAMESPACE) continue;
    if (begin_answer(ANSWER_END) < 0 || end_answer() < 0) return -1;
  }
  return requests->bad ? (errno = EINVAL, fail("decode", "the requests")) : flush_answers();
}

/* A descriptor for each level of the deepest path, in each layer. */
static void allow_many_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return; /* then with what there is */
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Descriptors are opened before the user namespace is entered: from there the way to them may be closed. */
static int open_layers(int count, char **paths) {
  layers = calloc((size_t)count, sizeof *layers);
  if (layers == NULL) return fail("calloc", "layers");
  for (int i = 0; i < count; i++) {
    /* O_PATH: another user of the namespace may be the only one who reads it */
    layers[i] = open(paths[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (layers[i] < 0) return fail("open", paths[i]);
    layer_count++;
  }
  return 0;
}

static int archive_fail(void) {
  if (flush_answers() < 0) return 1; /* nobody reads any more */
  return apply_report(0);
}

int archive_main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: coracle-native archive DIRECTORY [LOWER...]\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  allow_many_files();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG"), archive_fail();
  if (open_layers(argc - 2, argv + 2) < 0) return archive_fail();
  size_t size;
  cleanup_free uint8_t *text = read_whole(0, MAX_REQUESTS, &size);
  if (text == NULL) return archive_fail();
  struct reader requests = {.at = text, .end = text + size};
  return answer_all(&requests) < 0 ? archive_fail() : 0;
}
