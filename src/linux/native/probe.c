#include "probe.h"

#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"

enum { SOON = 10, NEVER = 11 };

static void schedule(struct probe *probe, uint64_t wait) {
  probe->due = now_ms() + (int64_t)(wait > INT32_MAX ? INT32_MAX : wait);
}

void probe_arm(struct probe *probe, uint64_t first) {
  if (probe->argv != NULL) schedule(probe, first);
}

int probe_timeout(const struct probe *probe) {
  if (probe->argv == NULL || probe->running > 0) return -1;
  int64_t wait = probe->due - now_ms();
  return wait < 0 ? 0 : (int)wait;
}

void probe_run_if_due(struct probe *probe) {
  if (probe->argv == NULL || probe->running > 0 || now_ms() < probe->due) return;
  pid_t pid = fork();
  if (pid < 0) { /* too many processes just now: later */
    schedule(probe, probe->interval);
    return;
  }
  if (pid > 0) {
    probe->running = pid;
    return;
  }
  setsid();
  become(probe->argv, probe->env);
  _exit(127);
}

void probe_ended(struct probe *probe, pid_t pid, int status) {
  if (probe->running != pid || pid <= 0) return;
  probe->running = 0;
  int answer = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  if (answer == NEVER) probe->argv = NULL;
  else schedule(probe, answer == SOON ? probe->start_interval : probe->interval);
}
