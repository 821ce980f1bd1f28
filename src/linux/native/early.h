/*
 * A program that is started before there is a plan, from the one of an earlier run that was kept (ahead.c). It has all of its
 * walls, and waits at a gate. The plan then says from what it must have been started, and what it lacks; if that is not what
 * was started it goes without a trace, and the plan is carried out from its beginning.
 */
#ifndef CORACLE_EARLY_H
#define CORACLE_EARLY_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire.h"

/* Closes `fd`, which holds the plan. Tells of no failure: without it all works as well, only later. */
void early_start(int fd, bool open_stdin);
/* The process that waits at the gate, if the plan is for it; else 0. */
pid_t early_program(void);
/* Carries out steps in a process of its own, which lend the program what it lacks. */
int early_lend(struct bytes steps);
/* Fails when what waits has ended meanwhile. */
int early_open_gate(void);
void early_discard(void);

#endif
