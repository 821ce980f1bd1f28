#include "deadline.h"

#include <signal.h>

#include "supervisor.h"

static void schedule(struct deadline *deadline, uint64_t wait) {
  deadline->due = wait > INT64_MAX / 2 ? -1 : now_ms() + (int64_t)wait;
}

void deadline_arm(struct deadline *deadline) {
  deadline->due = -1;
  if (deadline->limit > 0) schedule(deadline, deadline->limit);
}

int deadline_timeout(const struct deadline *deadline) {
  if (deadline->due < 0) return -1;
  int64_t wait = deadline->due - now_ms();
  if (wait > INT32_MAX) return INT32_MAX;
  return wait < 0 ? 0 : (int)wait;
}

bool deadline_act_if_due(struct deadline *deadline, pid_t child) {
  if (deadline->due < 0 || now_ms() < deadline->due) return false;
  /* ESRCH: its end is on its way to us */
  kill(child, deadline->passed ? SIGKILL : (int)deadline->signal);
  if (deadline->passed) deadline->due = -1;
  else schedule(deadline, deadline->grace);
  deadline->passed = true;
  return true;
}
