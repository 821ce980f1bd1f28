#include "resolve-tried.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "moment.h"

#define GROUP 1
#define COPIED 64 /* bytes of each packet: its addresses and ports */
#define MAX_LINES_PER_SECOND 20
#define MAX_FILE (1 << 20)
#define PATIENCE_MS 1000

static bool too_many(void) {
  static time_t second;
  static unsigned count;
  time_t now = time(NULL);
  if (now != second) count = 0;
  second = now;
  return ++count > MAX_LINES_PER_SECOND;
}

static size_t write_time(char *line, size_t size) {
  char now[TIME_STAMP_SIZE];
  size_t length = time_stamp(now);
  int used = snprintf(line, size, "{\"time\":\"%.*s\",", (int)length, now);
  return used < 0 || (size_t)used >= size ? 0 : (size_t)used;
}

/* A full disk, or a directory that is gone, loses the line: the container goes on. */
static void append(int directory, const char *line, size_t size) {
  struct stat status;
  if (fstatat(directory, "tried", &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size + (off_t)size > MAX_FILE)
    (void)renameat(directory, "tried", directory, "tried.1");
  cleanup_fd int fd = openat(directory, "tried", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd >= 0) (void)!write(fd, line, size);
}

/* Bytes beyond ASCII are told as Latin-1: a name has no encoding. */
static size_t escape(char *to, const char *from, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)from[i];
    if (byte >= ' ' && byte < 127 && byte != '"' && byte != '\\') to[used++] = (char)byte;
    else used += (size_t)sprintf(to + used, "\\u%04x", byte);
  }
  return used;
}

void note_name(int directory, const char *name, size_t length) {
  char line[128 + 256 * 6];
  if (length > 255 || too_many()) return;
  size_t used = write_time(line, sizeof line);
  used += (size_t)sprintf(line + used, "\"kind\":\"name\",\"name\":\"");
  used += escape(line + used, name, length);
  used += (size_t)sprintf(line + used, "\"}\n");
  append(directory, line, used);
}

static size_t write_protocol(char *to, int protocol) {
  switch (protocol) {
    case IPPROTO_TCP: return (size_t)sprintf(to, "tcp");
    case IPPROTO_UDP: return (size_t)sprintf(to, "udp");
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: return (size_t)sprintf(to, "icmp");
    default: return (size_t)sprintf(to, "%d", protocol);
  }
}

static void note_packet(int directory, const uint8_t *packet, size_t size) {
  char line[256], address[INET6_ADDRSTRLEN];
  if (size < sizeof(struct iphdr)) return;
  bool six = packet[0] >> 4 == 6;
  size_t head = six ? sizeof(struct ip6_hdr) : (size_t)(packet[0] & 0xf) * 4;
  if ((!six && packet[0] >> 4 != 4) || head < sizeof(struct iphdr) || size < head || too_many()) return;
  int protocol = six ? packet[6] : packet[9];
  inet_ntop(six ? AF_INET6 : AF_INET, packet + (six ? 24 : 16), address, sizeof address);
  size_t used = write_time(line, sizeof line);
  used += (size_t)sprintf(line + used, "\"kind\":\"connect\",\"address\":\"%s\",", address);
  bool ports = (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && size >= head + 4;
  if (ports) used += (size_t)sprintf(line + used, "\"port\":%u,", packet[head + 2] << 8 | packet[head + 3]);
  used += (size_t)sprintf(line + used, "\"protocol\":\"");
  used += write_protocol(line + used, protocol);
  used += (size_t)sprintf(line + used, "\"}\n");
  append(directory, line, used);
}

struct setting {
  struct nlmsghdr head;
  struct nfgenmsg body;
  struct nlattr attribute;
  uint8_t value[8];
};

static int set(int socket, uint16_t type, const void *value, size_t size) {
  struct setting setting = {.head = {.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct {
    struct nlmsghdr head;
    struct nlmsgerr error;
  } answer;
  setting.head.nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
  setting.body = (struct nfgenmsg){.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(GROUP)};
  setting.attribute = (struct nlattr){.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};
  memcpy(setting.value, value, size);
  setting.head.nlmsg_len = (uint32_t)(offsetof(struct setting, value) + NLA_ALIGN(size));
  if (sendto(socket, &setting, setting.head.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
    return fail("send", "nfnetlink_log");
  struct pollfd ready = {.fd = socket, .events = POLLIN};
  if (poll(&ready, 1, PATIENCE_MS) <= 0) return errno = ETIMEDOUT, fail("recv", "nfnetlink_log");
  if (recv(socket, &answer, sizeof answer, 0) < (ssize_t)(sizeof answer.head + sizeof answer.error.error))
    return errno = EPROTO, fail("recv", "nfnetlink_log");
  errno = -answer.error.error;
  return errno == 0 ? 0 : fail("configure", "nfnetlink_log");
}

int listen_to_log(int socket) {
  const struct nfulnl_msg_config_cmd bind = {.command = NFULNL_CFG_CMD_BIND};
  const struct nfulnl_msg_config_mode mode = {.copy_range = htonl(COPIED), .copy_mode = NFULNL_COPY_PACKET};
  const uint32_t at_once = htonl(1);
  if (set(socket, NFULA_CFG_CMD, &bind, sizeof bind) < 0 || set(socket, NFULA_CFG_MODE, &mode, sizeof mode) < 0) return -1;
  return set(socket, NFULA_CFG_QTHRESH, &at_once, sizeof at_once);
}

static void note_message(int directory, const uint8_t *at, size_t size) {
  size_t used = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
  while (size >= used + NLA_HDRLEN) {
    struct nlattr attribute;
    memcpy(&attribute, at + used, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size - used) return;
    if ((attribute.nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD)
      note_packet(directory, at + used + NLA_HDRLEN, attribute.nla_len - NLA_HDRLEN);
    used += NLA_ALIGN(attribute.nla_len);
  }
}

void note_connections(int directory, int socket) {
  static uint8_t bytes[4096] __attribute__((aligned(4)));
  ssize_t got = recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
  for (size_t left = got < 0 ? 0 : (size_t)got, at = 0; left >= NLMSG_HDRLEN;) {
    struct nlmsghdr head;
    memcpy(&head, bytes + at, sizeof head);
    if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > left) return;
    if (head.nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)) note_message(directory, bytes + at, head.nlmsg_len);
    size_t step = NLMSG_ALIGN(head.nlmsg_len);
    if (step >= left) return;
    at += step;
    left -= step;
  }
}
