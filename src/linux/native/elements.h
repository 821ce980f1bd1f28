/* Elements of packet filter sets and maps, by netlink: a container comes and goes without a process of `nft`. */
#ifndef CORACLE_ELEMENTS_H
#define CORACLE_ELEMENTS_H

#include "wire.h"

/* Adds them; a map's key that leads elsewhere leads here from now on. */
int step_elements(struct reader *args);
/* Of a copy of the same step. Elements, sets and tables that are not there are fine. */
int remove_elements(struct reader args);

#endif
