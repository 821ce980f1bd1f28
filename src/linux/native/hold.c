/*
 * `coracle-native hold`: mounts in a namespace of its own and waits for the end of descriptor 0, so that others may look at what
 * is mounted through /proc/PID/root. When this process ends, however it ends, nothing of it is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "apply.h"
#include "fail.h"
#include "host.h"
#include "jobs.h"
#include "launch.h"

#define PLAN 3
#define MAX_PLAN (4u << 20)

/* What the plan's `exec` is: this program again, with everything but descriptors 0 to 2 closed. */
static int wait_for_end(void) {
  char rest[256];
  if (dprintf(1, "READY %d\n", (int)getpid()) < 0) return 1;
  for (;;) {
    ssize_t got = read(0, rest, sizeof rest);
    if (got == 0 || (got < 0 && errno != EINTR)) return 0;
  }
}

/* Runs a program when descriptor 0 ends without a word: whoever held it was killed in the middle of something. */
static int end_then(char **program) {
  char word;
  ssize_t got;
  while ((got = read(0, &word, 1)) < 0 && errno == EINTR) continue;
  if (got == 1) return 0;
  execv(program[0], program);
  return perror(program[0]), 127;
}

static int report(void) {
  struct message message = {.kind = MESSAGE_FAILURE};
  describe(message.text, sizeof message.text, 0);
  return write(1, &message, sizeof message) < 0 ? 2 : 1;
}

/* The mounts need a mount namespace; those of an ordinary user a user namespace around it as well. */
static int separate(struct reader *plan) {
  uint32_t code;
  struct reader args, rest = *plan;
  if (!read_record(&rest, &code, &args) || code != HOST_MAP_IDS) return unshare(CLONE_NEWNS) < 0 ? fail("unshare", "mounts") : 0;
  *plan = rest;
  if (apply_in_user_namespace(&args) < 0) return -1;
  return unshare(CLONE_NEWNS) < 0 ? fail("unshare", "mounts") : 0;
}

int hold_main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[2], "wait") == 0) return wait_for_end();
  if (argc > 3 && strcmp(argv[2], "then") == 0) return end_then(argv + 3);
  if (argc != 2) return fprintf(stderr, "usage: coracle-native hold\n"), 2;
  int go[2];
  size_t size;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG"), report();
  uint8_t *text = read_whole(PLAN, MAX_PLAN, &size);
  if (text == NULL) return report();
  struct reader plan = {.at = text, .end = text + size};
  if (separate(&plan) < 0) return report();
  if (pipe2(go, O_CLOEXEC) < 0 || write(go[1], "g", 1) != 1) return fail("pipe2", ""), report();
  struct parent parent = {.channel = 1, .go = go[0], .target = -1, .gate = -1};
  run_child(plan, 1, NULL, &parent);
}
