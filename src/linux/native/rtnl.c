#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "netlink.h"

struct address {
  int family;
  uint8_t bytes[16];
  size_t size;
  unsigned prefix;
};

/* `10.0.0.1/24`, `fd00::1/64`; without a prefix it is the whole address. */
static int parse_address(const char *text, struct address *address) {
  char copy[INET6_ADDRSTRLEN + 4];
  if (strlen(text) >= sizeof copy) return errno = EINVAL, fail("decode", text);
  strcpy(copy, text);
  char *slash = strchr(copy, '/'), *end = "";
  if (slash != NULL) *slash = '\0';
  address->family = strchr(copy, ':') == NULL ? AF_INET : AF_INET6;
  address->size = address->family == AF_INET ? 4 : 16;
  bool is_number = slash == NULL || (slash[1] >= '0' && slash[1] <= '9');
  unsigned long prefix = slash == NULL ? address->size * 8 : strtoul(slash + 1, &end, 10);
  if (!is_number || inet_pton(address->family, copy, address->bytes) != 1 || *end != '\0' || prefix > address->size * 8)
    return errno = EINVAL, fail("decode", text);
  address->prefix = (unsigned)prefix;
  return 0;
}

static int add_address(unsigned index, const char *text) {
  struct address address;
  struct request request;
  if (parse_address(text, &address) < 0) return -1;
  struct ifaddrmsg body = {.ifa_family = (unsigned char)address.family, .ifa_prefixlen = (unsigned char)address.prefix, .ifa_index = index};
  if (address.family == AF_INET6) body.ifa_flags = IFA_F_NODAD; /* nobody else has it: it was leased */
  request_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  request_add(&request, IFA_LOCAL, address.bytes, address.size);
  request_add(&request, IFA_ADDRESS, address.bytes, address.size);
  if (address.family == AF_INET && address.prefix < 31) {
    uint32_t broadcast;
    memcpy(&broadcast, address.bytes, 4);
    broadcast |= htonl(address.prefix == 0 ? ~0u : (1u << (32 - address.prefix)) - 1);
    request_add(&request, IFA_BROADCAST, &broadcast, 4);
  }
  return request_send(&request) < 0 && errno != EEXIST ? fail("add address", text) : 0;
}

/* Its own for good: without one a bridge takes that of a port, and changes it when the port goes. */
static void bridge_mac(const char *name, uint8_t mac[6]) {
  uint32_t hash = 2166136261u;
  for (const char *at = name; *at != '\0'; at++) hash = (hash ^ (uint8_t)*at) * 16777619u;
  mac[0] = 0x02;
  mac[1] = 0x42;
  memcpy(mac + 2, &hash, 4);
}

static int make_bridge(const char *name, uint32_t mtu) {
  struct request request;
  struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
  uint8_t mac[6];
  bridge_mac(name, mac);
  request_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  request_add_name(&request, IFLA_IFNAME, name);
  request_add(&request, IFLA_ADDRESS, mac, sizeof mac);
  if (mtu != 0) request_add(&request, IFLA_MTU, &mtu, sizeof mtu);
  struct rtattr *info = request_add(&request, IFLA_LINKINFO, NULL, 0);
  request_add_name(&request, IFLA_INFO_KIND, "bridge");
  struct rtattr *data = request_add(&request, IFLA_INFO_DATA, NULL, 0);
  /* Frames to LLDP and its like pass no packet rules: nobody must draw another's frames to itself by sending some. */
  struct br_boolopt_multi options = {.optval = 1u << BR_BOOLOPT_NO_LL_LEARN, .optmask = 1u << BR_BOOLOPT_NO_LL_LEARN};
  request_add(&request, IFLA_BR_MULTI_BOOLOPT, &options, sizeof options);
  request_end_nest(&request, data);
  request_end_nest(&request, info);
  return request_send(&request) < 0 && errno != EEXIST ? fail("make bridge", name) : 0;
}

/* Its own address would be of no use for a second, and neighbours without answers. A host without IPv6 needs none. */
static void trust_own_address(const char *bridge) {
  char path[80];
  snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/accept_dad", bridge);
  cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write(fd, "0", 1) != 1) return;
}

int step_bridge(struct reader *args) {
  const char *name = read_string(args);
  uint32_t mtu = read_u32(args);
  cleanup_free const char **addresses = read_strings(args);
  unsigned index;
  if (args->bad || addresses == NULL || !is_link_name(name)) return errno = EINVAL, fail("decode", "bridge");
  if (make_bridge(name, mtu) < 0 || link_index(name, &index) < 0) return -1;
  trust_own_address(name);
  for (const char **address = addresses; *address != NULL; address++) {
    if (add_address(index, *address) < 0) return -1;
  }
  return link_bring_up(index, name);
}

static int hex_digit(char digit) {
  const char *digits = "0123456789abcdef", *found = digit == '\0' ? NULL : strchr(digits, digit);
  return found == NULL ? -1 : (int)(found - digits);
}

/* Six pairs of lower-case digits. Not sscanf: it brings a tenth of this program along. */
int parse_mac(const char *text, uint8_t mac[6]) {
  for (int i = 0; i < 6; i++, text += 3) {
    int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
    if (low < 0 || text[2] != (i == 5 ? '\0' : ':')) return errno = EINVAL, fail("decode", "a MAC address");
    mac[i] = (uint8_t)(high << 4 | low);
  }
  return 0;
}

int step_veth(struct reader *args, pid_t child, const char **link) {
  const char *host = read_string(args), *container = read_string(args), *bridge = read_string(args), *mac_text = read_string(args);
  uint32_t mtu = read_u32(args), group = read_u32(args), namespace = (uint32_t)child;
  unsigned master;
  uint8_t mac[6];
  if (args->bad || !is_link_name(host) || !is_link_name(container)) return errno = EINVAL, fail("decode", "veth");
  if (parse_mac(mac_text, mac) < 0 || link_index(bridge, &master) < 0) return -1;
  struct request request;
  struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP}, peer = {.ifi_family = AF_UNSPEC};
  request_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  request_add_name(&request, IFLA_IFNAME, host);
  request_add(&request, IFLA_MASTER, &master, sizeof master);
  request_add(&request, IFLA_GROUP, &group, sizeof group);
  if (mtu != 0) request_add(&request, IFLA_MTU, &mtu, sizeof mtu);
  struct rtattr *info = request_add(&request, IFLA_LINKINFO, NULL, 0);
  request_add_name(&request, IFLA_INFO_KIND, "veth");
  struct rtattr *data = request_add(&request, IFLA_INFO_DATA, NULL, 0);
  struct rtattr *other = request_add(&request, VETH_INFO_PEER, &peer, sizeof peer);
  request_add_name(&request, IFLA_IFNAME, container);
  request_add(&request, IFLA_ADDRESS, mac, sizeof mac);
  request_add(&request, IFLA_NET_NS_PID, &namespace, sizeof namespace);
  if (mtu != 0) request_add(&request, IFLA_MTU, &mtu, sizeof mtu);
  request_end_nest(&request, other);
  request_end_nest(&request, data);
  request_end_nest(&request, info);
  *link = host;
  return request_send(&request) < 0 ? fail("make veth", host) : 0;
}

int delete_link(const char *name) {
  struct request request;
  struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
  request_begin(&request, RTM_DELLINK, 0, &body, sizeof body);
  request_add_name(&request, IFLA_IFNAME, name);
  return request_send(&request) < 0 && errno != ENODEV ? fail("delete link", name) : 0;
}

int step_link_delete(struct reader *args) {
  const char *name = read_string(args);
  return args->bad || !is_link_name(name) ? (errno = EINVAL, fail("decode", "link-delete")) : delete_link(name);
}

int step_hold_port(struct reader *args) {
  uint32_t protocol = read_u32(args);
  const char *text = read_string(args);
  uint32_t port = read_u32(args);
  struct address address;
  char object[80];
  if (args->bad || port == 0 || port > 65535) return errno = EINVAL, fail("decode", "hold-port");
  if (parse_address(text, &address) < 0) return -1;
  snprintf(object, sizeof object, strchr(text, ':') == NULL ? "%s:%u" : "[%s]:%u", text, port);
  int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, on = 1;
  cleanup_fd int fd = socket(address.family, type | SOCK_CLOEXEC, (int)protocol);
  /* a kernel without SCTP forwards it all the same, and nobody can take the port */
  if (fd < 0 && errno == EPROTONOSUPPORT && protocol == IPPROTO_SCTP) return 0;
  if (fd < 0) return fail("socket", object);
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  memcpy(&four.sin_addr, address.bytes, sizeof four.sin_addr);
  memcpy(&six.sin6_addr, address.bytes, sizeof six.sin6_addr);
  bool is_four = address.family == AF_INET;
  if (!is_four && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) return fail("setsockopt", object);
  const struct sockaddr *name = is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six;
  if (bind(fd, name, is_four ? sizeof four : sizeof six) < 0)
    return errno == EADDRINUSE ? fail_because("bind", object, "port is already allocated") : fail("bind", object);
  (void)steal_fd(&fd); /* closed by the end of this process */
  return 0;
}

int step_address(struct reader *args) {
  const char *name = read_string(args), *text = read_string(args);
  unsigned index;
  return link_index(name, &index) < 0 ? -1 : add_address(index, text);
}

int step_link_up(struct reader *args) {
  const char *name = read_string(args);
  unsigned index;
  return link_index(name, &index) < 0 ? -1 : link_bring_up(index, name);
}

int step_route(struct reader *args) {
  const char *destination = read_string(args), *gateway_text = read_string(args), *link = read_string(args);
  struct address to = {0}, gateway = {0};
  struct request request;
  unsigned index = 0;
  bool anywhere = strcmp(destination, "default") == 0;
  if (args->bad) return errno = EINVAL, fail("decode", "route");
  /* without a gateway it leads straight out of the link, to a destination that says of what family it is */
  bool direct = gateway_text[0] == '\0';
  if ((!direct && parse_address(gateway_text, &gateway) < 0) || (!anywhere && parse_address(destination, &to) < 0)) return -1;
  if (direct ? anywhere || link[0] == '\0' : !anywhere && to.family != gateway.family) return errno = EINVAL, fail("decode", "route");
  if (link[0] != '\0' && link_index(link, &index) < 0) return -1;
  struct rtmsg body = {.rtm_family = (unsigned char)(direct ? to.family : gateway.family), .rtm_dst_len = (unsigned char)to.prefix};
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  request_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  if (to.prefix > 0) request_add(&request, RTA_DST, to.bytes, to.size);
  if (!direct) request_add(&request, RTA_GATEWAY, gateway.bytes, gateway.size);
  if (index != 0) request_add(&request, RTA_OIF, &index, sizeof index);
  return request_send(&request) < 0 && errno != EEXIST ? fail("add route", destination) : 0;
}
