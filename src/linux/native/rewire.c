/* `coracle-native wire [PID START]`: a plan's steps of links, on the host and in the network namespace of a process. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "host.h"
#include "jobs.h"
#include "kernel.h"
#include "launch.h"
#include "records.h"
#include "rtnl.h"

#define MAX_PLAN (1u << 20)

static int report(unsigned step) {
  char line[768];
  describe(line, sizeof line, step);
  return printf("%s", line) < 0 ? 2 : 1;
}

/* The descriptor names the process for good; its start time, read afterwards, says that it is the one that was meant. */
static int open_process(char **argv, pid_t *pid, int *process) {
  *pid = (pid_t)strtol(argv[2], NULL, 10);
  *process = sys_pidfd_open(*pid);
  if (*process < 0) return fail("pidfd_open", argv[2]);
  if (process_start_time(*pid) != strtoull(argv[3], NULL, 10)) return errno = ESRCH, fail("pidfd_open", argv[2]);
  return 0;
}

static int run_inside(uint32_t code, struct reader *args) {
  switch ((enum step)code) {
    case CHILD_ADDRESS: return step_address(args);
    case CHILD_LINK_UP: return step_link_up(args);
    case CHILD_ROUTE: return step_route(args);
    case CHILD_LINK_DELETE: return step_link_delete(args);
    default: return errno = EINVAL, fail_because("decode", "the plan", "there is no such step of links");
  }
}

int wire_main(int argc, char **argv) {
  if (argc != 2 && argc != 4) return fprintf(stderr, "usage: coracle-native wire [PID START]\n"), 2;
  struct host host = {.target = -1, .helper = {.line = -1}};
  cleanup_fd int process = -1;
  pid_t pid = 0;
  size_t size;
  uint32_t code;
  struct reader args;
  bool inside = false;
  unsigned step = 0;
  if (argc == 4 && open_process(argv, &pid, &process) < 0) return report(0);
  cleanup_free uint8_t *text = read_whole(0, MAX_PLAN, &size);
  if (text == NULL) return report(0);
  struct reader plan = {.at = text, .end = text + size};
  while (read_record(&plan, &code, &args)) {
    step++;
    if (code > HOST_LAST && !inside) {
      if (process < 0 || setns(process, CLONE_NEWNET) < 0) return fail("setns", "the container's network"), report(step);
      inside = true;
    }
    int result = inside ? run_inside(code, &args) : run_host_step(&host, code, &args, pid);
    if (result == 0 && args.bad) result = (errno = EINVAL, fail("decode", "the plan"));
    if (result < 0) return report(step);
  }
  return plan.bad ? (errno = EINVAL, fail("decode", "the plan"), report(step)) : 0;
}
