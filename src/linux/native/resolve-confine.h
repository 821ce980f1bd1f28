/* Gives up all that answering questions does not need. For good. */
#ifndef CORACLE_RESOLVE_CONFINE_H
#define CORACLE_RESOLVE_CONFINE_H

#include <sys/types.h>

/* The user first: what comes later needs the rights less and less. `parent` is the supervisor, with whom this process dies. */
int confine(pid_t parent);

/* No capabilities, not even to be gained; root becomes nobody. */
int lose_privileges(void);

#endif
