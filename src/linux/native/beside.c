/*
 * `coracle-native beside PROGRAM ARGUMENTS...`: becomes PROGRAM. Beside it waits a process that carries out the jobs PROGRAM wants:
 * to start one itself a large program has to be copied each time. CORACLE_JOBS names PROGRAM's ends of pipes, two for each job: one
 * takes the size and the list of the job's words, then what the job reads; the other brings what it writes. When PROGRAM ends, so
 * do they.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ahead.h"
#include "fail.h"
#include "jobs.h"
#include "wire.h"

#define JOBS 12
#define ENDS (2 * JOBS)
#define FIRST_FD 64 /* above all places that the ends move to */
#define OWN_FD 3
#define PIPE_BYTES (1 << 20)
#define MAX_WORDS (4u << 20) /* as many paths as an overlay can have */

static int read_exactly(int fd, uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t got = read(fd, bytes, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    bytes += got;
    size -= (size_t)got;
  }
  return 0;
}

/* NULL: nobody wants anything any more. The words stay for as long as this process does. */
static char **read_words(int fd) {
  uint8_t head[4];
  if (read_exactly(fd, head, sizeof head) < 0) return NULL;
  struct reader size = {.at = head, .end = head + sizeof head};
  uint32_t length = read_u32(&size);
  uint8_t *text = length > MAX_WORDS ? NULL : malloc((size_t)length + 1);
  if (text == NULL || read_exactly(fd, text, length) < 0) return free(text), NULL;
  struct reader words = {.at = text, .end = text + length};
  return (char **)read_strings(&words);
}

static _Noreturn void do_job(int in, int out, pid_t waiting) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != waiting) _exit(125);
  signal(SIGCHLD, SIG_DFL);
  char **words = read_words(in);
  if (words == NULL || words[0] == NULL || words[1] == NULL) _exit(125);
  (void)fcntl(out, F_SETPIPE_SZ, PIPE_BYTES); /* where a user has used up all he may have, more slowly */
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || close_range(OWN_FD, ~0U, 0) < 0) _exit(125);
  int count = 0;
  while (words[count] != NULL) count++;
  if (strcmp(words[1], "archive") == 0) _exit(archive_main(count, words));
  if (strcmp(words[1], "apply") == 0) _exit(apply_main(count, words));
  _exit(125);
}

static void close_ends(struct pollfd *in, int out) {
  close(in->fd);
  close(out);
  in->fd = -1;
}

/* Each connection is good for one job: whoever hears nothing on it knows that it has ended. */
static _Noreturn void serve(void) {
  pid_t self = getpid();
  struct pollfd ends[JOBS];
  for (int i = 0; i < JOBS; i++) ends[i] = (struct pollfd){.fd = OWN_FD + 2 * i, .events = POLLIN};
  for (;;) {
    if (poll(ends, JOBS, -1) < 0 && errno != EINTR) _exit(125);
    for (int i = 0; i < JOBS; i++) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      int out = OWN_FD + 2 * i + 1;
      if (fork() == 0) do_job(ends[i].fd, out, self);
      close_ends(&ends[i], out); /* without a process it has ended before it began */
    }
  }
}

/* Signals of the terminal are PROGRAM's business, which ends the jobs as it likes. */
static _Noreturn void wait_beside(const int *ends, pid_t program) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != program || setsid() < 0) _exit(125);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) _exit(125);
  for (int i = 0; i < ENDS; i++) {
    if (dup2(ends[i], OWN_FD + i) < 0) _exit(125);
  }
  if (close_range(OWN_FD + ENDS, ~0U, 0) < 0) _exit(125);
  signal(SIGCHLD, SIG_IGN); /* nobody asks how they ended */
  serve();
}

/* PROGRAM's end, which is to outlive the exec, and the other: a pipe's ends are for reading, then for writing. */
static int make_pipe(bool to_job, int *own, int *other) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  cleanup_fd int reading = ends[0], writing = ends[1];
  *own = fcntl(to_job ? writing : reading, F_DUPFD, FIRST_FD);
  *other = fcntl(to_job ? reading : writing, F_DUPFD_CLOEXEC, FIRST_FD);
  return *own < 0 || *other < 0 ? -1 : 0;
}

/* Without it all works as well, only later: no failure is told. */
static void start_beside(void) {
  int own[ENDS], others[ENDS];
  char text[ENDS * 12] = "";
  for (int i = 0; i < ENDS; i++) {
    if (make_pipe(i % 2 == 0, &own[i], &others[i]) < 0) return;
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, i == 0 ? "%d" : " %d", own[i]);
  }
  pid_t program = getpid(), pid = fork();
  if (pid == 0) wait_beside(others, program);
  if (pid > 0) setenv("CORACLE_JOBS", text, 1);
}

int beside_main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: coracle-native beside PROGRAM ARGUMENTS...\n"), 2;
  unsetenv("CORACLE_JOBS");
  start_beside();
  return become_program(argv + 2);
}
