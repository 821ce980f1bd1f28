/* Requests to the kernel over a routing socket: a head, a body, attributes and nests of them, one answer. */
#ifndef CORACLE_NETLINK_H
#define CORACLE_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_ROOM 1024

struct request {
  _Alignas(struct nlmsghdr) struct nlmsghdr head;
  char room[REQUEST_ROOM];
};

void request_begin(struct request *request, uint16_t type, uint16_t flags, const void *body, size_t size);
/* What is added is of our own making and bounded: names of at most fifteen characters, addresses, nests of them. */
struct rtattr *request_add(struct request *request, uint16_t type, const void *data, size_t size);
void request_add_name(struct request *request, uint16_t type, const char *name);
void request_end_nest(struct request *request, struct rtattr *nest);
/* Sends and reads the answer. -1 with errno, not noted: some errors are fine. */
int request_send(const struct request *request);

/* Of a link: neither empty nor too long, and no path. */
bool is_link_name(const char *name);
/* In the network namespace of whoever calls. */
int link_index(const char *name, unsigned *index);
int link_bring_up(unsigned index, const char *name);

#endif
