/* Limits of traffic. */
#ifndef CORACLE_SHAPE_H
#define CORACLE_SHAPE_H

#include "wire.h"

/* In the host's network namespace. Whatever limits the link had before are gone afterwards. `made`: a link that may have
 * been made, after a failure too; unchanged when there is none. */
int step_rate(struct reader *args, const char **made);

#endif
