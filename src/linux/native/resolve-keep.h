/* The supervisor's part of a responder: starts it, listens to it, starts it again if it dies, ends it. */
#ifndef CORACLE_RESOLVE_KEEP_H
#define CORACLE_RESOLVE_KEEP_H

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/* `resolver`: answers once questions are answered. With port 0 there is none before it is asked for. */
int step_resolver(struct reader *args, pid_t child);
/* Once the container has come to a network with names. A failure leaves it without a responder. */
int resolver_begin(unsigned port);

enum { RESOLVER_CHANNEL, RESOLVER_LOG, RESOLVER_FDS };
void resolver_watch(struct pollfd fds[RESOLVER_FDS]);
void resolver_serve(const struct pollfd fds[RESOLVER_FDS]);
/* Milliseconds until it wants to be served though nothing has happened; -1: never. */
int resolver_timeout(void);
void resolver_ended(pid_t pid);
/* Returns when it is gone. */
void resolver_stop(void);

#endif
