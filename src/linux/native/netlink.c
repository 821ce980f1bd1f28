#include "netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"

void request_begin(struct request *request, uint16_t type, uint16_t flags, const void *body, size_t size) {
  memset(request, 0, sizeof *request);
  request->head.nlmsg_len = NLMSG_LENGTH(size);
  request->head.nlmsg_type = type;
  request->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  request->head.nlmsg_seq = 1;
  memcpy(NLMSG_DATA(&request->head), body, size);
}

struct rtattr *request_add(struct request *request, uint16_t type, const void *data, size_t size) {
  struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(size);
  if (size > 0) memcpy(RTA_DATA(attribute), data, size);
  request->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
  return attribute;
}

void request_add_name(struct request *request, uint16_t type, const char *name) { request_add(request, type, name, strlen(name) + 1); }

void request_end_nest(struct request *request, struct rtattr *nest) {
  nest->rta_len = (unsigned short)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len) - (char *)nest);
}

int request_send(const struct request *request) {
  struct {
    _Alignas(struct nlmsghdr) struct nlmsghdr head;
    struct nlmsgerr error;
    char rest[REQUEST_ROOM + 512];
  } answer;
  cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (fd < 0) return -1;
  if (sendto(fd, request, request->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) return -1;
  ssize_t size;
  while ((size = recv(fd, &answer, sizeof answer, 0)) < 0 && errno == EINTR) continue;
  if (size < 0) return -1;
  if ((size_t)size < sizeof answer.head + sizeof answer.error.error || answer.head.nlmsg_type != NLMSG_ERROR)
    return errno = EPROTO, -1;
  errno = -answer.error.error;
  return errno == 0 ? 0 : -1;
}

bool is_link_name(const char *name) { return name[0] != '\0' && strlen(name) < IFNAMSIZ && strchr(name, '/') == NULL; }

int link_index(const char *name, unsigned *index) {
  if (!is_link_name(name)) return errno = EINVAL, fail("decode", name);
  *index = if_nametoindex(name);
  return *index == 0 ? fail("if_nametoindex", name) : 0;
}

int link_bring_up(unsigned index, const char *name) {
  struct request request;
  struct ifinfomsg body = {.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  request_begin(&request, RTM_NEWLINK, 0, &body, sizeof body);
  return request_send(&request) < 0 ? fail("set link up", name) : 0;
}
