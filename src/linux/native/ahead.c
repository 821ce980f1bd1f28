/*
 * `coracle-native ahead PROGRAM ARGUMENTS…`: becomes PROGRAM, with a supervisor started ahead that waits for its plan. It gets ready
 * while PROGRAM does, and a large PROGRAM need not be copied to start it. CORACLE_SUPERVISOR names its descriptors. When the
 * arguments are those that run a module, the supervisor in turn starts a runner ahead, as the last one was started (early.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "ahead.h"
#include "early-words.h"
#include "fail.h"
#include "jobs.h"

#define FIRST_FD 10 /* clear of those that programs take for granted */
#define CONNECTIONS 3 /* plan, control, attached: descriptors 0, 3 and 4 of the supervisor */

/* Overwritten by the run directory once that is known. */
#define TITLE "                                                                                                "

#define EARLY_FD 5
#define NAMES_SIZE 8192

/* Who can write to it can have programs run as us: it has to be ours alone, and so has its directory. */
static bool is_own_alone(int fd, mode_t type) {
  struct stat status;
  return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type && status.st_uid == geteuid() && (status.st_mode & 022) == 0;
}

static bool is_module(const char *word) {
  size_t size = strlen(word);
  return size > 5 && strcmp(word + size - 5, ".wasm") == 0;
}

/* One of the names, a line each, of images that were modules. */
static bool was_module(int directory, const char *image) {
  char names[NAMES_SIZE + 2] = "\n", line[300];
  cleanup_fd int file = openat(directory, "images", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  ssize_t size = file < 0 ? -1 : read(file, names + 1, NAMES_SIZE);
  if (size <= 0 || snprintf(line, sizeof line, "\n%s\n", image) >= (int)sizeof line) return false;
  names[size + 1] = '\0';
  return strstr(names, line) != NULL;
}

/* Answers -1 where there is none: nothing has been run yet, or not as root, or the image is none of a module. */
static int open_early_plan(const char *image) {
  char path[PATH_MAX];
  const char *data = getenv("CORACLE_ROOT");
  if (geteuid() != 0 || snprintf(path, sizeof path, "%s/cache/runner", data == NULL ? "/var/lib/coracle" : data) >= (int)sizeof path) return -1;
  cleanup_fd int directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0 || !is_own_alone(directory, S_IFDIR)) return -1;
  if (!is_module(image) && !was_module(directory, image)) return -1;
  cleanup_fd int plan = openat(directory, "plan", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  return plan >= 0 && is_own_alone(plan, S_IFREG) ? fcntl(plan, F_DUPFD_CLOEXEC, FIRST_FD) : -1;
}

static _Noreturn void be_supervisor(const int *ends, char *const *words) {
  static const int places[CONNECTIONS] = {0, 3, 4};
  const char *image = NULL;
  enum early_words guess = early_words(words + 2, &image);
  cleanup_fd int early = guess == EARLY_NONE ? -1 : open_early_plan(image);
  char *argv[] = {words[0], "supervise", TITLE, early < 0 ? NULL : guess == EARLY_STDIN ? "early-stdin" : "early", NULL};
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || setsid() < 0 || chdir("/") < 0 || clearenv() != 0) _exit(125);
  for (int i = 0; i < CONNECTIONS; i++) {
    if (dup2(ends[i], places[i]) < 0) _exit(125);
  }
  if (early >= 0 && dup2(early, EARLY_FD) < 0) _exit(125);
  _exit(supervise_main(early < 0 ? 3 : 4, argv));
}

/* Both ends from FIRST_FD on, so that putting them in their places overwrites none. */
static int connect_pair(int *own, int *other) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -1;
  cleanup_fd int first = ends[0], second = ends[1];
  *own = fcntl(first, F_DUPFD, FIRST_FD);
  *other = fcntl(second, F_DUPFD_CLOEXEC, FIRST_FD);
  return *own < 0 || *other < 0 ? -1 : 0;
}

/* Without it all works as well, only later: no failure is told. */
static void start_supervisor(char *const *words) {
  int own[CONNECTIONS], others[CONNECTIONS];
  char text[64];
  for (int i = 0; i < CONNECTIONS; i++) {
    if (connect_pair(&own[i], &others[i]) < 0) return;
  }
  pid_t pid = fork();
  if (pid == 0) be_supervisor(others, words);
  snprintf(text, sizeof text, "%d %d %d", own[0], own[1], own[2]);
  if (pid > 0) setenv("CORACLE_SUPERVISOR", text, 1);
}

int become_program(char **argv) {
  execv(argv[0], argv);
  int error = errno;
  fprintf(stderr, "coracle: %s: %s\n", argv[0], strerror(error));
  return error == ENOENT ? 127 : 126;
}

int ahead_main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: coracle-native ahead PROGRAM ARGUMENTS...\n"), 2;
  unsetenv("CORACLE_SUPERVISOR");
  start_supervisor(argv);
  return become_program(argv + 2);
}
