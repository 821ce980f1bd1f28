#include "records.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "fail.h"

int exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static int write_record(const char *directory, const char *name, const char *text, bool durable) {
  char path[PATH_MAX], partial[PATH_MAX + 8];
  if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) return errno = ENAMETOOLONG, fail("open", directory);
  snprintf(partial, sizeof partial, "%s.part", path);
  cleanup_fd int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail("open", partial);
  size_t size = strlen(text);
  if (write(fd, text, size) != (ssize_t)size) return fail("write", partial);
  if (durable && fsync(fd) < 0) return fail("fsync", partial);
  if (rename(partial, path) < 0) return fail("rename", path);
  if (!durable) return 0;
  cleanup_fd int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return parent < 0 || fsync(parent) < 0 ? fail("fsync", directory) : 0;
}

unsigned long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
}

int write_exit_record(const char *directory, const struct exit_record *record, bool durable) {
  char text[1200];
  snprintf(text, sizeof text, "status=%d\nsignal=%d\noom=%d\nfinished=%llu\nerror=%s\n", record->status, record->signal,
           record->oom_killed, record->finished_ns, record->error == NULL ? "" : record->error);
  return write_record(directory, "exit", text, durable);
}

void format_exit(char *line, size_t size, const struct exit_record *record) {
  snprintf(line, size, "EXIT\t%d\t%d\t%d\t%llu\n", record->status, record->signal, record->oom_killed, record->finished_ns);
}

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything, so it is counted from its last parenthesis. */
unsigned long long process_start_time(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (size <= 0) return 0;
  text[size] = '\0';
  unsigned long long value = 0;
  const char *field = strrchr(text, ')');
  for (int number = 2; field != NULL && number < 22; number++) field = strchr(field + 1, ' ');
  if (field != NULL) value = strtoull(field, NULL, 10);
  return value;
}

int write_pid_record(const char *directory, pid_t child, char *started, size_t size) {
  char text[256];
  unsigned long long mine = process_start_time(getpid()), its = process_start_time(child);
  snprintf(started, size, "STARTED\t%d\t%llu\t%d\t%llu\n", getpid(), mine, child, its);
  snprintf(text, sizeof text, "supervisor=%d\nsupervisorStart=%llu\ncontainer=%d\ncontainerStart=%llu\n", getpid(), mine, child, its);
  return write_record(directory, "pid", text, false); /* means nothing after a reboot */
}

int write_helper_record(const char *directory, pid_t program) {
  char text[96];
  snprintf(text, sizeof text, "helper=%d\nhelperStart=%llu\n", program, process_start_time(program));
  return write_record(directory, "network-helper", text, false);
}
