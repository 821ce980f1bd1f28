/* Walks of the archive job. Every step is one component from a descriptor that is held: a rename elsewhere changes nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "archive.h"
#include "fail.h"

/* Names of a directory, sorted, each once. */
struct names {
  char **list;
  size_t count, capacity;
};

static char path[PATH_MAX]; /* of the node being looked at, relative to the start */
static bool is_tolerant;

static void free_names(struct names *names) {
  for (size_t i = 0; i < names->count; i++) free(names->list[i]);
  free(names->list);
}
#define cleanup_names __attribute__((cleanup(free_names)))

static void close_node(struct node *node) { close_fd(&node->fd); }
#define cleanup_node __attribute__((cleanup(close_node)))

/* The directories of a union that hold one directory, top-most first. */
struct layers {
  int *fds;
  unsigned count;
};

static void close_layers(struct layers *layers) {
  for (unsigned i = 0; i < layers->count; i++) close(layers->fds[i]);
  free(layers->fds);
}
#define cleanup_layers __attribute__((cleanup(close_layers)))

static int add_name(struct names *names, const char *name) {
  if (names->count == names->capacity) {
    size_t capacity = names->capacity == 0 ? 16 : names->capacity * 2;
    char **larger = realloc(names->list, capacity * sizeof *larger);
    if (larger == NULL) return fail("realloc", path);
    names->list = larger;
    names->capacity = capacity;
  }
  names->list[names->count] = strdup(name);
  return names->list[names->count] == NULL ? fail("strdup", name) : (names->count++, 0);
}

/* 1: that may not be done, and is passed by. */
static int read_names(struct names *names, int directory) {
  int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return is_tolerant && errno == EACCES ? 1 : fail("open", path);
  DIR *stream = fdopendir(fd);
  if (stream == NULL) return close(fd), fail("fdopendir", path);
  int result = 0;
  errno = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(stream)) != NULL; errno = 0) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) result = add_name(names, entry->d_name);
  }
  if (result == 0 && errno != 0) result = fail("readdir", path);
  closedir(stream);
  return result;
}

static int by_name(const void *left, const void *right) { return strcmp(*(char *const *)left, *(char *const *)right); }

static void sort_names(struct names *names) {
  if (names->count == 0) return;
  qsort(names->list, names->count, sizeof *names->list, by_name);
  size_t kept = 1;
  for (size_t i = 1; i < names->count; i++) {
    if (strcmp(names->list[i], names->list[kept - 1]) == 0) free(names->list[i]);
    else names->list[kept++] = names->list[i];
  }
  names->count = kept;
}

/* Appends a name to the path; answers the length before, for `path[length] = '\0'` afterwards. */
static int enter_path(const char *name, size_t *length) {
  *length = strlen(path);
  size_t more = strlen(name) + (*length > 0);
  if (*length + more >= sizeof path) return errno = ENAMETOOLONG, fail("path", path);
  if (*length > 0) strcat(path, "/");
  strcat(path, name);
  return 0;
}

/* 1 when there is such a name, 0 when not. */
static int open_node(int directory, const char *name, struct node *node) {
  node->fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (node->fd < 0) return errno == ENOENT ? 0 : fail("open", path);
  if (fstat(node->fd, &node->status) < 0) return fail("fstat", path);
  return 1;
}

static bool is_whiteout(const struct stat *status) { return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0); }

static int walk_below(const struct node *directory, bool with_content);

static int walk_node(const struct node *parent, const struct node *node, bool with_content) {
  bool elsewhere = parent == NULL || parent->status.st_dev != node->status.st_dev;
  bool pseudo = elsewhere && is_pseudo(node->fd);
  if (pseudo && !S_ISDIR(node->status.st_mode)) return 0;
  if (emit_node(node, path, CHANGE_SAME, with_content) < 0) return -1;
  return S_ISDIR(node->status.st_mode) && !pseudo ? walk_below(node, with_content) : 0;
}

/* What needs no descriptor of its own is told from within its directory, with half the calls. 0: it needs one. */
static int walk_lightly(const struct node *directory, const char *name, bool *inside) {
  struct node node = {.fd = -1, .name = name};
  if (fstatat(directory->fd, name, &node.status, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT ? 1 : fail("fstatat", path);
  if (S_ISDIR(node.status.st_mode) || node.status.st_dev != directory->status.st_dev) return 0;
  if (!*inside && fchdir(directory->fd) < 0) return fail("fchdir", path);
  *inside = true;
  return emit_node(&node, path, CHANGE_SAME, false) < 0 ? -1 : 1;
}

static int walk_heavily(const struct node *directory, const char *name, bool with_content) {
  cleanup_node struct node node = {.fd = -1};
  int found = open_node(directory->fd, name, &node);
  return found <= 0 ? found : walk_node(directory, &node, with_content);
}

static int walk_below(const struct node *directory, bool with_content) {
  cleanup_names struct names names = {NULL, 0, 0};
  bool inside = false; /* the working directory is this one */
  int read = read_names(&names, directory->fd);
  if (read != 0) return read < 0 ? -1 : emit_bare(path, CHANGE_UNREADABLE);
  sort_names(&names);
  for (size_t i = 0; i < names.count; i++) {
    size_t length;
    if (enter_path(names.list[i], &length) < 0) return -1;
    int told = with_content ? 0 : walk_lightly(directory, names.list[i], &inside);
    if (told == 0) inside = false; /* a directory below has another one */
    if (told < 0 || (told == 0 && walk_heavily(directory, names.list[i], with_content) < 0)) return -1;
    path[length] = '\0';
  }
  return 0;
}

int walk_tree(struct node *start, bool with_content, bool tolerant) {
  *path = '\0';
  is_tolerant = tolerant;
  int result = walk_node(NULL, start, with_content);
  is_tolerant = false;
  return result;
}

/*
 * What a name is in the union of layers (overlayfs.rst, "Whiteouts and opaque directories"): 1 when it is there. `below` takes
 * the directories that make it up, where it is one.
 */
static int look_up(const struct layers *layers, const char *name, struct node *top, struct layers *below) {
  int there = 0;
  for (unsigned i = 0; i < layers->count; i++) {
    struct node node = {.fd = -1};
    int found = open_node(layers->fds[i], name, &node);
    if (found < 0) return -1;
    if (found == 0) continue;
    bool directory = S_ISDIR(node.status.st_mode), first = there == 0;
    if (is_whiteout(&node.status) || (!first && !directory)) return close_fd(&node.fd), there;
    if (directory) {
      int copy = first ? fcntl(node.fd, F_DUPFD_CLOEXEC, 0) : node.fd;
      int *larger = copy < 0 ? NULL : realloc(below->fds, (below->count + 1) * sizeof *larger);
      if (larger == NULL) return fail("keep", path);
      below->fds = larger;
      below->fds[below->count++] = copy;
    }
    bool last = !directory || is_opaque(node.fd);
    if (first) *top = node;
    there = 1;
    if (last) return there;
  }
  return there;
}

static int walk_union(const struct layers *layers) {
  cleanup_names struct names names = {NULL, 0, 0};
  for (unsigned i = 0; i < layers->count; i++) {
    if (read_names(&names, layers->fds[i]) < 0) return -1;
  }
  sort_names(&names);
  for (size_t i = 0; i < names.count; i++) {
    cleanup_node struct node node = {.fd = -1};
    cleanup_layers struct layers below = {NULL, 0};
    size_t length;
    if (enter_path(names.list[i], &length) < 0) return -1;
    int found = look_up(layers, names.list[i], &node, &below);
    if (found < 0) return -1;
    if (found == 1 && is_redirected(&node)) return errno = EXDEV, fail("merge", path);
    if (found == 1 && emit_node(&node, path, CHANGE_SAME, true) < 0) return -1;
    if (found == 1 && below.count > 0 && walk_union(&below) < 0) return -1;
    path[length] = '\0';
  }
  return 0;
}

/* One component further down. 0: the union has no such directory. */
static int descend(const struct layers *from, const char *name, struct layers *to) {
  cleanup_node struct node node = {.fd = -1};
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return errno = EINVAL, fail("merge", name);
  int found = look_up(from, name, &node, to);
  return found <= 0 ? found : to->count > 0;
}

/* What is in the directory at `start`, no component of which is a link; nothing where there is none. */
static int walk_part(const struct layers *all, const char *start) {
  cleanup_free char *copy = strdup(start);
  cleanup_layers struct layers here = {NULL, 0};
  const struct layers *above = all;
  if (copy == NULL) return fail("strdup", start);
  char *rest = copy;
  for (char *name; (name = strsep(&rest, "/")) != NULL;) {
    struct layers below = {NULL, 0};
    int found = descend(above, name, &below);
    close_layers(&here);
    here = below;
    above = &here;
    if (found <= 0) return found;
  }
  struct node top = {.fd = here.fds[0]};
  if (fstat(top.fd, &top.status) < 0) return fail("fstat", start);
  return emit_node(&top, path, CHANGE_SAME, true) < 0 ? -1 : walk_union(&here);
}

int walk_merged(int *layers, unsigned count, const char *start) {
  *path = '\0';
  struct layers all = {layers, count};
  if (*start != '\0') return walk_part(&all, start);
  struct node root = {.fd = layers[0]};
  if (fstat(root.fd, &root.status) < 0) return fail("fstat", "/");
  return emit_node(&root, path, CHANGE_SAME, true) < 0 ? -1 : walk_union(&all);
}

/* As docker compares: a directory is not changed by what is in it, nor by its time. */
static bool differs(const struct stat *before, const struct stat *after) {
  if (before->st_mode != after->st_mode || before->st_uid != after->st_uid || before->st_gid != after->st_gid) return true;
  if (S_ISDIR(after->st_mode)) return false;
  return before->st_rdev != after->st_rdev || before->st_size != after->st_size || before->st_mtim.tv_sec != after->st_mtim.tv_sec ||
         before->st_mtim.tv_nsec != after->st_mtim.tv_nsec;
}

static int compare_below(int upper, const struct layers *lower, bool with_content);

/* With content a file that looks the same is told as well: its times may have been set back. */
static int compare_node(const struct node *node, const struct node *before, const struct layers *below, bool with_content) {
  enum change change = before->fd < 0 ? CHANGE_ADDED : differs(&before->status, &node->status) ? CHANGE_CHANGED : CHANGE_SAME;
  bool directory = S_ISDIR(node->status.st_mode);
  if (is_redirected(node)) return errno = EXDEV, fail("compare", path);
  if (change == CHANGE_SAME && !directory && !with_content) return 0;
  if (emit_node(node, path, change, with_content) < 0) return -1;
  return directory ? compare_below(node->fd, below, with_content) : 0;
}

static int compare_name(int upper, const struct layers *lower, const char *name, bool with_content) {
  cleanup_node struct node node = {.fd = -1}, before = {.fd = -1};
  cleanup_layers struct layers below = {NULL, 0};
  int found = open_node(upper, name, &node);
  int was = found < 0 ? -1 : look_up(lower, name, &before, &below);
  if (was < 0) return -1;
  if (found == 1 && !is_whiteout(&node.status)) return compare_node(&node, &before, &below, with_content);
  return was == 1 ? emit_bare(path, CHANGE_DELETED) : 0;
}

static int compare_below(int upper, const struct layers *lower, bool with_content) {
  cleanup_names struct names names = {NULL, 0, 0};
  if (read_names(&names, upper) < 0) return -1;
  /* what is below an opaque directory is gone, unless it was made again */
  for (unsigned i = 0; i < lower->count && is_opaque(upper); i++) {
    if (read_names(&names, lower->fds[i]) < 0) return -1;
  }
  sort_names(&names);
  for (size_t i = 0; i < names.count; i++) {
    size_t length;
    if (enter_path(names.list[i], &length) < 0 || compare_name(upper, lower, names.list[i], with_content) < 0) return -1;
    path[length] = '\0';
  }
  return 0;
}

int walk_changes(int *layers, unsigned count, bool with_content) {
  *path = '\0';
  struct layers lower = {layers + 1, count - 1};
  return compare_below(layers[0], &lower, with_content);
}
