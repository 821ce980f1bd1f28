/* Errands in the network namespace of the container, each in a process of its own that ends with it. */
#ifndef CORACLE_RESOLVE_ENTER_H
#define CORACLE_RESOLVE_ENTER_H

#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/* `net-rules`: what nft is told there. */
int step_net_rules(struct reader *args, pid_t child);

/* The sockets of a container's responder. */
enum { SOCKET_UDP, SOCKET_TCP, SOCKET_SETS, SOCKET_LOG, SOCKET_COUNT };
/* Opens the first `count` of them there, for use here. */
int open_sockets_of(pid_t child, uint16_t port, int *sockets, unsigned count);

#endif
