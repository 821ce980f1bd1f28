/* What a container was refused: a line each in the file `tried` of its responder's directory. */
#ifndef CORACLE_RESOLVE_TRIED_H
#define CORACLE_RESOLVE_TRIED_H

#include <stddef.h>

/* Asks the kernel for what rules log to group 1. */
int listen_to_log(int socket);
/* `name` may hold anything. */
void note_name(int directory, const char *name, size_t length);
void note_connections(int directory, int socket);

#endif
