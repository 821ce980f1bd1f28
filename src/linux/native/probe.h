/* A program that is run now and then while the container runs: what a health check asks for. */
#ifndef CORACLE_PROBE_H
#define CORACLE_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct probe {
  const char **argv, **env; /* argv NULL: none */
  uint64_t interval, start_interval; /* milliseconds from the end of one to the start of the next */
  int64_t due;
  pid_t running;
};

/* The first one after so many milliseconds. */
void probe_arm(struct probe *probe, uint64_t first);
/* Milliseconds to the next one, -1 when there is none to wait for. */
int probe_timeout(const struct probe *probe);
void probe_run_if_due(struct probe *probe);
/* Tells of a child that has ended. Its status says what comes next: 10 the short interval, 11 nothing, others the long one. */
void probe_ended(struct probe *probe, pid_t pid, int status);

#endif
