#include "ready.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"

#define AGAIN_AFTER_MS 4 /* less than a grace period: it stays as it is for one */
#define TIMES 250        /* then nobody is in a hurry */

/* Our own group of any hierarchy of version 1 by a line `N:CONTROLLERS:PATH` (cgroups(7)); -1 where it is not to be had. */
static int open_group(char *line) {
  char path[PATH_MAX];
  char *controllers = strchr(line, ':'), *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
  if (group == NULL || group == controllers + 1) return -1; /* version 2 names none: a container is born in its group there */
  *group++ = '\0';
  if (strncmp(++controllers, "name=", 5) == 0) controllers += 5;
  int size = snprintf(path, sizeof path, "/sys/fs/cgroup/%s%s/cgroup.procs", controllers, group);
  return size < (int)sizeof path ? open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

static int open_own_group(void) {
  char text[4096];
  cleanup_fd int file = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (size <= 0) return -1;
  text[size] = '\0';
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    int group = open_group(line);
    if (group >= 0) return group;
  }
  return -1;
}

void wait_and_keep_ready(int fd) {
  struct pollfd awaited = {.fd = fd, .events = POLLIN};
  if (poll(&awaited, 1, 0) != 0) return;
  cleanup_fd int group = open_own_group();
  for (int i = 0; group >= 0 && i < TIMES; i++) {
    if (write(group, "0", 1) != 1) return; /* not ours to write to: then all is done in its time */
    if (poll(&awaited, 1, AGAIN_AFTER_MS) != 0) return;
  }
}
