/* A program beside the container that carries its traffic in user space: pasta, slirp4netns. */
#ifndef CORACLE_HELPER_H
#define CORACLE_HELPER_H

#include <sys/types.h>

#include "wire.h"

struct helper {
  pid_t program;
  pid_t keeper; /* ends the program when this process dies, however that comes */
  int line;     /* the keeper waits for its end */
};

/* Answers once the program says that it is ready, and has done what is asked over its socket. */
int step_helper(struct helper *helper, struct reader *args, pid_t child);
/* Of any child of this process: one without the other is ended. */
void helper_ended(struct helper *helper, pid_t pid);
/* Ends both and waits for it: what they had is free afterwards. */
void stop_helper(struct helper *helper);

#endif
