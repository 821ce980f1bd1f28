#ifndef CORACLE_INIT_H
#define CORACLE_INIT_H

#include <stdbool.h>

/* Forks. The parent stays as a small init and never returns; the child goes on with the plan.
 * `has_stdio`: the session exists, with its terminal; before that the child makes one of its own. */
int step_init(int channel, bool has_stdio);
/* Remembers where the arguments of this program are: an init shows a name of its own there, not a path of the host. */
void keep_title(int argc, char **argv);

#endif
