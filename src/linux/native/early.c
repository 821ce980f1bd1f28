#include "early.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "fail.h"
#include "kernel.h"
#include "supervisor.h"

#define EARLY_LIMIT (1u << 20)

static struct {
  uint8_t *plan; /* NULL: nothing has been started */
  size_t size;
  bool open_stdin;
  struct ends ends;
  int mounts;  /* its namespace of mounts */
  int program; /* pidfd of what waits at the gate */
} early;

/* As encode-plan.ts writes it: the clone with its namespaces, then the child's steps. */
static int clone_early(void) {
  uint32_t code;
  struct reader args, plan = {.at = early.plan, .end = early.plan + early.size};
  struct stdio stdio;
  if (!read_record(&plan, &code, &args) || code != HOST_CLONE) return errno = EINVAL, fail("decode", "the early plan");
  uint64_t namespaces = read_u64(&args);
  if (args.bad || (namespaces & ~(uint64_t)ALL_NAMESPACES) != 0) return errno = EINVAL, fail("decode", "the early plan");
  self.open_stdin = early.open_stdin;
  if (open_streams(&stdio) < 0) return -1;
  cleanup_fd int in = stdio.in, out = stdio.out, err = stdio.err;
  struct birth birth = {.steps = plan, .namespaces = namespaces, .stdio = &stdio, .target = -1, .gated = true};
  self.child = clone_child(&birth, &early.ends);
  if (self.child < 0) return -1;
  int went = (int)write(early.ends.go, "g", 1);
  close_fd(&early.ends.go);
  return went == 1 ? 0 : fail("write", "the early child");
}

void early_start(int fd, bool open_stdin) {
  early.ends = (struct ends){-1, -1, -1};
  early.mounts = early.program = -1;
  early.open_stdin = open_stdin;
  early.plan = read_whole(fd, EARLY_LIMIT, &early.size);
  close(fd);
  if (early.plan != NULL && clone_early() < 0) early_discard();
}

static bool fits(void) {
  if (early.plan == NULL || self.terminal || self.open_stdin != early.open_stdin) return false;
  return self.early.size == early.size && memcmp(self.early.data, early.plan, early.size) == 0;
}

pid_t early_program(void) {
  char path[32];
  pid_t program = fits() ? hear_child(early.ends.channel) : 0;
  if (program <= 0) return 0;
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", self.child);
  early.mounts = open(path, O_RDONLY | O_CLOEXEC); /* not everybody's: who may not trace others gets no further */
  early.program = sys_pidfd_open(program);
  return early.mounts < 0 || early.program < 0 ? 0 : program;
}

int early_lend(struct bytes steps) {
  struct ends ends;
  struct birth birth = {.steps = {.at = steps.data, .end = steps.data + steps.size}, .target = early.mounts};
  pid_t lender = clone_child(&birth, &ends);
  if (lender < 0) return -1;
  cleanup_fd int channel = ends.channel, go = ends.go;
  if (write(go, "g", 1) != 1) return fail("write", "the lender");
  int heard = hear_child(channel) < 0 ? -1 : 0;
  while (waitpid(lender, NULL, 0) < 0 && errno == EINTR) continue;
  return heard;
}

static void forget(void) {
  close_fd(&early.ends.channel);
  close_fd(&early.ends.go);
  close_fd(&early.ends.gate);
  close_fd(&early.mounts);
  close_fd(&early.program);
  free(early.plan);
  early.plan = NULL;
}

int early_open_gate(void) {
  struct pollfd program = {.fd = early.program, .events = POLLIN};
  if (poll(&program, 1, 0) != 0) return -1; /* it has ended; others may still have its side of the gate */
  if (write(early.ends.gate, "g", 1) != 1) return -1;
  forget();
  return 0;
}

void early_discard(void) {
  if (early.plan == NULL) return;
  if (self.child > 0) {
    kill(self.child, SIGKILL);
    /* no others: the plan's steps may have started some that stay */
    while (waitpid(self.child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  self.child = 0;
  close_fd(&self.in);
  close_fd(&self.out[0]);
  close_fd(&self.out[1]);
  forget();
}
