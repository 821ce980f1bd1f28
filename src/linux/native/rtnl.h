/* Links, addresses and routes, by netlink. */
#ifndef CORACLE_RTNL_H
#define CORACLE_RTNL_H

#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/* In the host's network namespace; the container's end of a pair goes straight to that of `child`, and `link` tells the host's. */
int step_bridge(struct reader *args);
int step_veth(struct reader *args, pid_t child, const char **link);
int step_link_delete(struct reader *args);
/* One that is not there is fine. */
int delete_link(const char *name);
/* A link below one of the host's, in the namespace of `child`. */
int step_sublink(struct reader *args, pid_t child);
/* Binds a socket that stays open for as long as this process lives. */
int step_hold_port(struct reader *args);

/* In the namespace of whoever calls. */
int step_address(struct reader *args);
int step_link_up(struct reader *args);
int step_route(struct reader *args);

int parse_mac(const char *text, uint8_t mac[6]);

#endif
