/* Links of containers below one of the host's: macvlan and ipvlan. */
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "netlink.h"
#include "rtnl.h"

int step_sublink(struct reader *args, pid_t child) {
  const char *kind = read_string(args), *parent = read_string(args), *container = read_string(args), *mac_text = read_string(args);
  uint32_t mode = read_u32(args), mtu = read_u32(args), namespace = (uint32_t)child;
  uint16_t short_mode = (uint16_t)mode;
  bool is_macvlan = strcmp(kind, "macvlan") == 0;
  unsigned lower;
  uint8_t mac[6];
  if (args->bad || !is_link_name(container) || (!is_macvlan && strcmp(kind, "ipvlan") != 0)) return errno = EINVAL, fail("decode", "sublink");
  if ((mac_text[0] != '\0' && parse_mac(mac_text, mac) < 0) || link_index(parent, &lower) < 0) return -1;
  struct request request;
  struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
  request_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  request_add_name(&request, IFLA_IFNAME, container);
  request_add(&request, IFLA_LINK, &lower, sizeof lower);
  request_add(&request, IFLA_NET_NS_PID, &namespace, sizeof namespace);
  if (mac_text[0] != '\0') request_add(&request, IFLA_ADDRESS, mac, sizeof mac);
  if (mtu != 0) request_add(&request, IFLA_MTU, &mtu, sizeof mtu);
  struct rtattr *info = request_add(&request, IFLA_LINKINFO, NULL, 0);
  request_add_name(&request, IFLA_INFO_KIND, kind);
  struct rtattr *data = request_add(&request, IFLA_INFO_DATA, NULL, 0);
  if (is_macvlan) request_add(&request, IFLA_MACVLAN_MODE, &mode, sizeof mode);
  else request_add(&request, IFLA_IPVLAN_MODE, &short_mode, sizeof short_mode);
  request_end_nest(&request, data);
  request_end_nest(&request, info);
  if (request_send(&request) == 0) return 0;
  if (errno == EBUSY) return fail_because("make link below", parent, "it is in use already, by a mode that shares it with nobody, by another driver, or as the port of a bridge");
  return errno == EOPNOTSUPP ? fail_because("make link below", parent, is_macvlan ? "this kernel lacks macvlan" : "this kernel lacks ipvlan")
                             : fail("make link below", parent);
}
