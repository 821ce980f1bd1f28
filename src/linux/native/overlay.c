/* The root of a container made of layers: an overlay, by the new mount calls or, before Linux 6.7, by the old one. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "kernel.h"
#include "mounts.h"
#include "root.h"

#define MAX_DIRECTORIES 512
#define FSCONFIG_STRING_MAX 255
#define MOUNT_DATA_MAX 4096 /* mount(2) takes a page of options */

struct overlay {
  const char **lower;       /* top-most first */
  const char *upper, *work; /* "": none, it is read-only */
  const char **options;
};

/* Directories as /proc/self/fd/N: short, whatever their names, and free of the commas and colons that options part at. */
struct links {
  int fds[MAX_DIRECTORIES];
  unsigned used;
  char text[32]; /* the last one made */
};

static void close_links(struct links *links) {
  while (links->used > 0) close(links->fds[--links->used]);
}

static const char *link_to(struct links *links, const char *path) {
  if (links->used == MAX_DIRECTORIES) return fail_because("open", path, "there are too many layers"), NULL;
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail("open", path), NULL;
  links->fds[links->used++] = fd;
  snprintf(links->text, sizeof links->text, "/proc/self/fd/%d", fd);
  return links->text;
}

static int configure_path(int context, const char *key, const char *path, struct links *links) {
  const char *name = strlen(path) > FSCONFIG_STRING_MAX ? link_to(links, path) : path;
  if (name == NULL) return -1;
  if (fsconfig(context, FSCONFIG_SET_STRING, key, name, 0) == 0) return 0;
  int error = errno;
  mount_failed(key, path);
  return errno = error, -1;
}

/*
 * Answers a detached mount. *unknown: this kernel does not know `lowerdir+`, and says EINVAL, at the first layer or, where overlay
 * is not made for the new calls (before Linux 6.5), only when all of it is to be mounted.
 */
static int mount_by_context(const struct overlay *overlay, bool *unknown) {
  struct links links __attribute__((cleanup(close_links))) = {.used = 0};
  cleanup_fd int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0) return *unknown = errno == ENOSYS, mount_failed("fsopen", "overlay");
  if (configure(context, "source", "coracle") < 0) return -1;
  for (const char **layer = overlay->lower; *layer != NULL; layer++) {
    if (configure_path(context, "lowerdir+", *layer, &links) == 0) continue;
    *unknown = layer == overlay->lower && errno == EINVAL;
    return -1;
  }
  if (*overlay->upper != '\0') {
    if (configure_path(context, "upperdir", overlay->upper, &links) < 0) return -1;
    if (configure_path(context, "workdir", overlay->work, &links) < 0) return -1;
  }
  for (const char **option = overlay->options; *option != NULL; option++) {
    if (configure_all(context, *option) < 0) return -1;
  }
  int mount = make_mount(context, 0, "overlay");
  if (mount < 0) *unknown = last_failure.error == EINVAL;
  return mount;
}

struct text {
  char data[MOUNT_DATA_MAX];
  size_t used;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int size = vsnprintf(text->data + text->used, sizeof text->data - text->used, format, values);
  va_end(values);
  text->used += (size_t)size;
  if (text->used >= sizeof text->data) text->used = sizeof text->data - 1;
}

static int append_link(struct text *text, const char *before, const char *path, struct links *links) {
  const char *name = link_to(links, path);
  if (name == NULL) return -1;
  append(text, "%s%s", before, name);
  return 0;
}

static int mount_by_options(const struct overlay *overlay, int target, const char *at) {
  struct links links __attribute__((cleanup(close_links))) = {.used = 0};
  struct text text = {.used = 0};
  char where[32];
  for (const char **layer = overlay->lower; *layer != NULL; layer++) {
    if (append_link(&text, layer == overlay->lower ? "lowerdir=" : ":", *layer, &links) < 0) return -1;
  }
  if (*overlay->upper != '\0') {
    if (append_link(&text, ",upperdir=", overlay->upper, &links) < 0) return -1;
    if (append_link(&text, ",workdir=", overlay->work, &links) < 0) return -1;
  }
  for (const char **option = overlay->options; *option != NULL; option++) append(&text, ",%s", *option);
  if (text.used == sizeof text.data - 1) return fail_because("mount", at, "the image has more layers than this kernel mounts");
  snprintf(where, sizeof where, "/proc/self/fd/%d", target);
  return mount("coracle", where, "overlay", 0, text.data) < 0 ? mount_failed("mount", at) : 0;
}

int step_root_overlay(struct reader *args) {
  const char *at = read_string(args);
  cleanup_free const char **lower = read_strings(args);
  const char *upper = read_string(args), *work = read_string(args);
  cleanup_free const char **options = read_strings(args);
  if (args->bad || lower == NULL || options == NULL) return errno = EINVAL, fail("decode", "root-overlay");
  struct overlay overlay = {lower, upper, work, options};
  bool unknown = false;
  cleanup_fd int target = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (target < 0) return fail("open", at);
  cleanup_fd int mount = mount_by_context(&overlay, &unknown);
  if (mount >= 0) return place_mount(mount, target, at) < 0 ? -1 : steal_fd(&mount);
  if (!unknown || mount_by_options(&overlay, target, at) < 0) return -1;
  int root = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  return root < 0 ? fail("open", at) : root;
}

/* Changes of what is mounted at a target go to a directory of their own. */
int step_overlay(int root, struct reader *args) {
  const char *target = read_string(args);
  cleanup_free const char **lower = read_strings(args);
  const char *upper = read_string(args), *work = read_string(args);
  cleanup_free const char **options = read_strings(args);
  if (args->bad || lower == NULL || options == NULL) return errno = EINVAL, fail("decode", "overlay");
  struct overlay overlay = {lower, upper, work, options};
  bool unknown = false;
  cleanup_fd int at = open_in_root(root, target, CREATE_DIRECTORY);
  if (at < 0) return -1;
  cleanup_fd int mount = mount_by_context(&overlay, &unknown);
  if (mount >= 0) return place_mount(mount, at, target);
  return unknown ? mount_by_options(&overlay, at, target) : -1;
}
