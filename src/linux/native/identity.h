/* The steps that shape the process itself: limits, user, capabilities, filters, and at last the program. */
#ifndef CORACLE_IDENTITY_H
#define CORACLE_IDENTITY_H

#include "launch.h"
#include "wire.h"

int step_loopback_up(void);
int step_rlimit(struct reader *args);
int step_keyring(struct reader *args);
/* With `has_stdio` the streams are given to the user, who could not open /dev/stdout otherwise. */
int step_user(struct reader *args, bool has_stdio);
int step_bounding(struct reader *args);
int step_capabilities(struct reader *args);
int step_no_new_privileges(void);
int step_personality(struct reader *args);
int step_seccomp(struct reader *args);
/* The program's descriptor: the first number that the limit of descriptors, as it is from now on, forbids. */
int step_hold_program(struct reader *args);
/* Of `program` when there is one, else of the file that is named. */
int step_exec(struct reader *args, int program);
/* Makes the supervisor's pipes the process's stdin, stdout and stderr. */
int connect_stdio(const struct stdio *stdio);

#endif
