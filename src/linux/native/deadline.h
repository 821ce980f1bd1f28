/* How long a container may run: then it is asked to stop, and after a while made to. */
#ifndef CORACLE_DEADLINE_H
#define CORACLE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DEADLINE_STATUS 124 /* what timeout(1) says */

struct deadline {
  uint64_t limit, grace; /* milliseconds; limit 0: none; grace UINT64_MAX: it is never made to */
  uint32_t signal;
  int64_t due; /* -1: nothing more is to be done */
  bool passed;
};

void deadline_arm(struct deadline *deadline);
/* Milliseconds to wait for, -1 for ever. */
int deadline_timeout(const struct deadline *deadline);
/* Whether it has sent a signal. What is frozen does not notice. */
bool deadline_act_if_due(struct deadline *deadline, pid_t child);

#endif
