/* Opens the way to addresses: elements of the sets of the container's table, by nfnetlink. */
#ifndef CORACLE_RESOLVE_SETS_H
#define CORACLE_RESOLVE_SETS_H

#include "resolve-feed.h"

/* All or none. They stay for their time to live and a little longer; those that are there get the new time. */
int open_sets(int socket, const struct feed *feeds, unsigned count);

#endif
