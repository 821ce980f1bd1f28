/*
 * `coracle-native apply DIRECTORY`: carries out file-system steps from descriptor 0 below one directory, and answers on
 * descriptor 1 with `OK` or one line that says which step failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "fail.h"
#include "host.h"
#include "jobs.h"
#include "launch.h"
#include "root.h"
#include "tree.h"
#include "wire.h"

/* Record codes of apply.ts. */
enum apply_step {
  APPLY_USER_NAMESPACE = 1, APPLY_DIRECTORY, APPLY_FILE, APPLY_DATA, APPLY_HOLE, APPLY_END, APPLY_SYMLINK, APPLY_HARD_LINK,
  APPLY_NODE, APPLY_WHITEOUT, APPLY_XATTR, APPLY_FINISH, APPLY_REMOVE, APPLY_OPEN_DIRECTORY,
};

#define MAX_RECORD (2u << 20)

struct directory_times {
  char *path;
  struct timespec modified;
};

static struct tree tree = {.root = -1, .parent = -1};
static struct {
  int fd; /* of the file being written, -1 outside of one */
  uint64_t size;
  struct timespec modified;
} file = {.fd = -1};
static char last_path[PATH_MAX]; /* that extended attributes are for */
/* Entries made inside a directory change its times: they are set when all is done. */
static struct directory_times *directories;
static size_t directory_count;
static bool finished;

static struct attributes read_attributes(struct reader *args) {
  struct attributes attributes = {.mode = read_u32(args), .uid = read_u32(args), .gid = read_u32(args)};
  attributes.modified.tv_sec = read_i64(args);
  attributes.modified.tv_nsec = read_u32(args);
  return attributes;
}

static int keep_times(const char *path, struct timespec modified) {
  if ((directory_count & (directory_count - 1)) == 0) { /* full at each power of two */
    size_t capacity = directory_count == 0 ? 1 : directory_count * 2;
    struct directory_times *larger = realloc(directories, capacity * sizeof *larger);
    if (larger == NULL) return fail("realloc", path);
    directories = larger;
  }
  char *copy = strdup(path);
  if (copy == NULL) return fail("strdup", path);
  directories[directory_count++] = (struct directory_times){copy, modified};
  return 0;
}

static int remember(const char *path) {
  if (strlen(path) >= sizeof last_path) return errno = ENAMETOOLONG, fail("path", path);
  strcpy(last_path, path);
  return 0;
}

static int apply_directory(struct reader *args) {
  const char *path = read_string(args), *name = ".";
  struct attributes attributes = read_attributes(args);
  bool is_root = *path == '\0';
  int parent = is_root ? tree.root : tree_parent(&tree, path, &name);
  if (parent < 0 || remember(path) < 0) return -1;
  if (!is_root && mkdirat(parent, name, 0700) < 0) {
    struct stat status;
    if (errno != EEXIST || fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return fail("mkdirat", path);
    if (!S_ISDIR(status.st_mode)) {
      if (tree_remove(parent, name) < 0) return -1;
      if (mkdirat(parent, name, 0700) < 0) return fail("mkdirat", path);
    }
  }
  cleanup_fd int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) return fail("openat", path);
  if (fchown(directory, attributes.uid, attributes.gid) < 0 && !tree.ignore_owners) return fail("fchown", path);
  if (fchmod(directory, attributes.mode & 07777) < 0) return fail("fchmod", path);
  return keep_times(path, attributes.modified);
}

static int apply_file(struct reader *args) {
  const char *path = read_string(args), *name;
  struct attributes attributes = read_attributes(args);
  uint64_t size = read_u64(args);
  if (args->bad || file.fd >= 0) return errno = EINVAL, fail("decode", "file");
  int parent = tree_parent(&tree, path, &name);
  if (parent < 0 || remember(path) < 0) return -1;
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  file.fd = openat(parent, name, flags, 0600);
  if (file.fd < 0 && errno == EEXIST) {
    if (tree_remove(parent, name) < 0) return -1;
    file.fd = openat(parent, name, flags, 0600);
  }
  if (file.fd < 0) return fail("openat", path);
  file.size = size;
  file.modified = attributes.modified;
  if (fchown(file.fd, attributes.uid, attributes.gid) < 0 && !tree.ignore_owners) return fail("fchown", path);
  return fchmod(file.fd, attributes.mode & 07777) < 0 ? fail("fchmod", path) : 0;
}

static int write_data(struct reader *args) {
  if (file.fd < 0) return errno = EINVAL, fail("decode", "data outside of a file");
  for (const uint8_t *at = args->at; at < args->end;) {
    ssize_t written = write(file.fd, at, (size_t)(args->end - at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail("write", last_path);
    at += written;
  }
  args->at = args->end;
  return 0;
}

static int skip_hole(struct reader *args) {
  uint64_t size = read_u64(args);
  if (file.fd < 0 || size > INT64_MAX) return errno = EINVAL, fail("decode", "hole");
  /* now, not at the end: changing the size takes file capabilities away, and they are set before the end */
  if (ftruncate(file.fd, (off_t)file.size) < 0) return fail("ftruncate", last_path);
  return lseek(file.fd, (off_t)size, SEEK_CUR) < 0 ? fail("lseek", last_path) : 0;
}

static int end_file(void) {
  if (file.fd < 0) return errno = EINVAL, fail("decode", "end of no file");
  cleanup_fd int fd = steal_fd(&file.fd);
  struct timespec times[2] = {file.modified, file.modified};
  return futimens(fd, times) < 0 ? fail("futimens", last_path) : 0;
}

static int apply_symlink(struct reader *args) {
  const char *path = read_string(args), *target = read_string(args), *name;
  struct attributes attributes = read_attributes(args);
  int parent = tree_parent(&tree, path, &name);
  if (parent < 0 || remember(path) < 0) return -1;
  if (symlinkat(target, parent, name) < 0) {
    if (errno != EEXIST) return fail("symlinkat", path);
    if (tree_remove(parent, name) < 0) return -1;
    if (symlinkat(target, parent, name) < 0) return fail("symlinkat", path);
  }
  if (tree_set_owner(&tree, parent, name, attributes) < 0) return -1;
  return tree_set_times(parent, name, attributes.modified);
}

/* The other name is looked up inside the tree as well; its last component is never followed. */
static int apply_hard_link(struct reader *args) {
  const char *path = read_string(args), *target = read_string(args), *name, *target_name;
  struct tree other = {.root = tree.root, .parent = -1};
  int target_parent = tree_parent(&other, target, &target_name);
  cleanup_fd int held = target_parent;
  if (held < 0) return -1;
  struct stat status;
  if (fstatat(held, target_name, &status, AT_SYMLINK_NOFOLLOW) < 0) return fail("hard link to", target);
  if (S_ISDIR(status.st_mode)) return errno = EPERM, fail("hard link to", target);
  int parent = tree_parent(&tree, path, &name);
  if (parent < 0 || remember(path) < 0) return -1;
  struct stat existing;
  bool same = fstatat(parent, name, &existing, AT_SYMLINK_NOFOLLOW) == 0 && existing.st_ino == status.st_ino && existing.st_dev == status.st_dev;
  if (same) return 0;
  if (tree_remove(parent, name) < 0) return -1;
  return linkat(held, target_name, parent, name, 0) < 0 ? fail("linkat", path) : 0;
}

static int apply_node(struct reader *args, bool whiteout) {
  const char *path = read_string(args), *name;
  struct attributes attributes = whiteout ? (struct attributes){.mode = S_IFCHR} : read_attributes(args);
  unsigned major = whiteout ? 0 : read_u32(args), minor = whiteout ? 0 : read_u32(args);
  mode_t type = attributes.mode & S_IFMT;
  if (args->bad || (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO)) return errno = EINVAL, fail("decode", "node");
  int parent = tree_parent(&tree, path, &name);
  if (parent < 0 || remember(path) < 0) return -1;
  mode_t mode = type | (attributes.mode & 07777);
  int made = mknodat(parent, name, mode, makedev(major, minor));
  if (made < 0 && errno == EEXIST) {
    if (tree_remove(parent, name) < 0) return -1;
    made = mknodat(parent, name, mode, makedev(major, minor));
  }
  /* a user namespace makes no devices; its containers could not use them either */
  if (made < 0 && errno == EPERM && tree.ignore_owners && !whiteout) return last_path[0] = '\0', 0;
  if (made < 0) return fail("mknodat", path);
  if (whiteout) return 0;
  if (tree_set_owner(&tree, parent, name, attributes) < 0) return -1;
  return tree_set_times(parent, name, attributes.modified);
}

static int set_xattr(struct reader *args) {
  const char *key = read_string(args), *name = ".";
  struct bytes value = read_bytes(args);
  if (args->bad) return errno = EINVAL, fail("decode", "xattr");
  if (file.fd >= 0) {
    if (fsetxattr(file.fd, key, value.data, value.size, 0) == 0) return 0;
  } else {
    char link[PATH_MAX + 64];
    int parent = *last_path == '\0' ? tree.root : tree_parent(&tree, last_path, &name);
    if (parent < 0) return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d/%s", parent, name);
    if (lsetxattr(link, key, value.data, value.size, 0) == 0) return 0;
  }
  /* a file system without them, or names that only the host's root may set: as docker does, the file goes without */
  if (errno == ENOTSUP || (errno == EPERM && tree.ignore_owners)) return 0;
  return fail("setxattr", last_path);
}

/* Deepest first is not needed: setting a time changes no other directory's. */
static int finish(void) {
  close_fd(&tree.parent);
  for (size_t i = 0; i < directory_count; i++) {
    const char *name = ".";
    int parent = *directories[i].path == '\0' ? tree.root : tree_parent(&tree, directories[i].path, &name);
    /* a later entry may have replaced it by something else */
    if (parent >= 0 && tree_set_times(parent, name, directories[i].modified) < 0 && last_failure.error != ENOENT) return -1;
    free(directories[i].path);
  }
  free(directories);
  directories = NULL;
  directory_count = 0;
  finished = true;
  return 0;
}

/*
 * Goes on in a child inside a new user namespace, whose ids this process maps from outside. Returns in the child only;
 * this process ends as the child does.
 */
static int enter_user_namespace(struct reader *args) {
  int ready[2], mapped[2];
  char byte;
  if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(mapped, O_CLOEXEC) < 0) return fail("pipe2", "");
  pid_t child = fork();
  if (child < 0) return fail("fork", "");
  if (child == 0) {
    close(ready[0]);
    close(mapped[1]);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG");
    if (unshare(CLONE_NEWUSER) < 0) return fail("unshare", "user namespace");
    if (write(ready[1], "r", 1) != 1 || read(mapped[0], &byte, 1) != 1) return fail("map ids", "user namespace");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) return fail("setresuid", "0");
    tree.ignore_owners = true;
    return 0;
  }
  close(ready[1]);
  close(mapped[0]);
  struct host host = {0};
  int result = read(ready[0], &byte, 1) == 1 ? run_host_step(&host, HOST_MAP_IDS, args, child) : -1;
  if (result < 0) {
    char line[768];
    describe(line, sizeof line, 0);
    dprintf(1, "FAILED\t%s\n", line);
    kill(child, SIGKILL);
  } else if (write(mapped[1], "m", 1) != 1) {
    kill(child, SIGKILL);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  _exit(result == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static int remove_path(struct reader *args) {
  const char *path = read_string(args), *name;
  int parent = tree_parent(&tree, path, &name);
  return parent < 0 ? -1 : tree_remove(parent, name);
}

/* A directory that attributes are for, though the archive may never list it. */
static int open_directory(struct reader *args) {
  const char *path = read_string(args);
  if (remember(path) < 0) return -1;
  if (*path == '\0') return 0;
  cleanup_fd int directory = open_in_root(tree.root, path, CREATE_DIRECTORY);
  return directory < 0 ? -1 : 0;
}

static int run_apply_step(uint32_t code, struct reader *args) {
  switch ((enum apply_step)code) {
    case APPLY_USER_NAMESPACE: return enter_user_namespace(args);
    case APPLY_DIRECTORY: return apply_directory(args);
    case APPLY_FILE: return apply_file(args);
    case APPLY_DATA: return write_data(args);
    case APPLY_HOLE: return skip_hole(args);
    case APPLY_END: return end_file();
    case APPLY_SYMLINK: return apply_symlink(args);
    case APPLY_HARD_LINK: return apply_hard_link(args);
    case APPLY_NODE: return apply_node(args, false);
    case APPLY_WHITEOUT: return apply_node(args, true);
    case APPLY_XATTR: return set_xattr(args);
    case APPLY_FINISH: return finish();
    case APPLY_REMOVE: return remove_path(args);
    case APPLY_OPEN_DIRECTORY: return open_directory(args);
    default: return errno = EINVAL, fail_because("decode", "the steps", "there is no such step");
  }
}

static int report(int step) {
  char line[768];
  describe(line, sizeof line, (unsigned)step);
  dprintf(1, "FAILED\t%s\n", line);
  return 1;
}

/* Records arrive in a stream: as many whole ones as the buffer holds are carried out, the rest moves to its front. */
static int run_stream(void) {
  static uint8_t buffer[MAX_RECORD + 8];
  size_t used = 0;
  int step = 0;
  for (;;) {
    ssize_t got = read(0, buffer + used, sizeof buffer - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("read", "the steps"), report(step);
    if (got == 0) break;
    used += (size_t)got;
    size_t done = 0;
    while (used - done >= 8) {
      struct reader head = {.at = buffer + done, .end = buffer + used}, args;
      uint32_t code = read_u32(&head), size = read_u32(&head);
      if (size > MAX_RECORD) return errno = EINVAL, fail("decode", "a record that is too long"), report(step);
      if (used - done - 8 < size) break;
      args = (struct reader){.at = head.at, .end = head.at + size};
      step++;
      if (run_apply_step(code, &args) < 0) return report(step);
      if (args.bad) return errno = EINVAL, fail("decode", "a malformed record"), report(step);
      done += 8 + (size_t)size;
    }
    used -= done;
    memmove(buffer, buffer + done, used);
  }
  /* whoever sent the steps died half-way: nobody must take this for whole */
  if (!finished || used != 0) return errno = EPIPE, fail("read", "the steps"), report(step);
  return dprintf(1, "OK\n") < 0;
}

static int open_tree_root(const char *path) {
  tree.root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return tree.root < 0 ? fail("open", path) : 0;
}

int apply_main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: coracle-native apply DIRECTORY\n"), 2;
  umask(0);
  signal(SIGPIPE, SIG_IGN);
  if (open_tree_root(argv[2]) < 0) return report(0);
  return run_stream();
}
