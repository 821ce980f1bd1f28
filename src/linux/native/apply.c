/*
 * `coracle-native apply DIRECTORY [SOURCE]`: carries out file-system steps from descriptor 0 below one directory, and answers on
 * descriptor 1 with `OK` (`CHANGED`: files were copied that had changed) or one line that says which step failed.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "fail.h"
#include "jobs.h"
#include "launch.h"

/* Names and extended attributes; content comes in pieces of any size. */
#define MAX_RECORD (256u << 10)
#define BUFFER_SIZE (1u << 20)
#define HEAD_SIZE 8

struct tree apply_tree = {.root = -1, .parent = -1};
int apply_source = -1;
bool apply_sources_changed;

static struct {
  uint8_t bytes[BUFFER_SIZE];
  size_t at, end;
  size_t data_left; /* of a data record whose head has been read */
  unsigned step;
} input;

int apply_report(unsigned step) {
  char line[768];
  describe(line, sizeof line, step);
  dprintf(1, "FAILED\t%s\n", line);
  return 1;
}

static int take_data(void) {
  size_t size = input.end - input.at < input.data_left ? input.end - input.at : input.data_left;
  if (apply_data(input.bytes + input.at, size) < 0) return -1;
  input.at += size;
  input.data_left -= size;
  return 0;
}

/* Carries out the next record; 0 when there is less than a whole one. */
static int take_record(void) {
  if (input.end - input.at < HEAD_SIZE) return 0;
  struct reader head = {.at = input.bytes + input.at, .end = input.bytes + input.end};
  uint32_t code = read_u32(&head), size = read_u32(&head);
  if (code == APPLY_DATA) {
    input.at += HEAD_SIZE;
    input.data_left = size;
    return input.step++, 1;
  }
  if (size > MAX_RECORD) return errno = EMSGSIZE, fail("decode", "a record");
  if (input.end - input.at - HEAD_SIZE < size) return 0;
  input.at += HEAD_SIZE + size;
  input.step++;
  struct reader args = {.at = head.at, .end = head.at + size};
  if (apply_step(code, &args) < 0) return -1;
  return args.bad ? (errno = EINVAL, fail("decode", "a malformed record")) : 1;
}

static int take_all(void) {
  while (input.at < input.end) {
    int taken = input.data_left > 0 ? 1 : take_record();
    if (taken < 0 || (input.data_left > 0 && take_data() < 0)) return -1;
    if (taken == 0) break;
  }
  memmove(input.bytes, input.bytes + input.at, input.end - input.at);
  input.end -= input.at;
  input.at = 0;
  return 0;
}

static int run_stream(void) {
  for (;;) {
    ssize_t got = read(0, input.bytes + input.end, sizeof input.bytes - input.end);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("read", "the steps");
    if (got == 0) break;
    input.end += (size_t)got;
    if (take_all() < 0) return -1;
  }
  /* whoever sent the steps died half-way: nobody must take this for whole */
  bool whole = apply_is_finished() && input.end == 0 && input.data_left == 0;
  return whole ? 0 : (errno = EPIPE, fail("read", "the steps"));
}

int apply_main(int argc, char **argv) {
  if (argc != 3 && argc != 4) return fprintf(stderr, "usage: coracle-native apply DIRECTORY [SOURCE]\n"), 2;
  umask(0);
  signal(SIGPIPE, SIG_IGN);
  /* not a step more for a command that was killed: the next one is going to sweep */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG"), apply_report(0);
  apply_tree.root = open(argv[2], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  /* it may belong to another user of the namespace that is to be entered */
  if (apply_tree.root < 0 && errno == EACCES) apply_tree.root = open(argv[2], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (apply_tree.root < 0) return fail("open", argv[2]), apply_report(0);
  if (argc == 4) apply_source = open(argv[3], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (argc == 4 && apply_source < 0) return fail("open", argv[3]), apply_report(0);
  if (run_stream() < 0) return apply_report(input.step);
  return dprintf(1, apply_sources_changed ? "CHANGED\n" : "OK\n") < 0;
}
