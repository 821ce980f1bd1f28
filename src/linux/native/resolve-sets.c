#include "resolve-sets.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "resolve.h"

#define TABLE "coracle"
#define LEAST_SECONDS 30
#define GRACE_SECONDS 30 /* for those who ask a little later than they use the answer */
#define MOST_SECONDS 86400
#define MAX_MESSAGES_PER_SECOND 500
#define LAST_CHANGE 1 /* sequence numbers: who an answer is for */
#define BATCH 2
#define PATIENCE_MS 1000

/* A batch of at most three changes for each feed, of less than 128 bytes. */
static struct {
  uint8_t bytes[512 + MAX_FEEDS * 3 * 128] __attribute__((aligned(4)));
  size_t used;
} batch;

static struct nlmsghdr *begin(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource) {
  struct nlmsghdr *head = (struct nlmsghdr *)(void *)(batch.bytes + batch.used);
  struct nfgenmsg *body = (struct nfgenmsg *)(void *)(head + 1);
  *head = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags};
  *body = (struct nfgenmsg){.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};
  batch.used += sizeof *head + sizeof *body;
  return head;
}

static void end(struct nlmsghdr *head) { head->nlmsg_len = (uint32_t)((uint8_t *)(batch.bytes + batch.used) - (uint8_t *)head); }

static struct nlattr *add(uint16_t type, const void *data, size_t size) {
  struct nlattr *attribute = (struct nlattr *)(void *)(batch.bytes + batch.used);
  *attribute = (struct nlattr){.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};
  if (size > 0) memcpy(attribute + 1, data, size);
  memset((uint8_t *)(attribute + 1) + size, 0, NLA_ALIGN(size) - size);
  batch.used += NLA_HDRLEN + NLA_ALIGN(size);
  return attribute;
}

static struct nlattr *nest(uint16_t type) { return add(NLA_F_NESTED | type, NULL, 0); }
static void end_nest(struct nlattr *nested) { nested->nla_len = (uint16_t)(batch.bytes + batch.used - (uint8_t *)nested); }

static const char *set_of(const struct feed *feed) {
  if (feed->port == 0) return feed->family == 4 ? "hosts4" : "hosts6";
  return feed->family == 4 ? "names4" : "names6";
}

/* Each part of a concatenated key fills up its last four bytes. */
static size_t make_key(const struct feed *feed, uint8_t key[24]) {
  size_t size = feed->family == 4 ? 4 : 16;
  uint16_t port = htons(feed->port);
  memset(key, 0, 24);
  memcpy(key, feed->address, size);
  if (feed->port == 0) return size;
  key[size] = feed->protocol;
  memcpy(key + size + 4, &port, sizeof port);
  return size + 8;
}

static void add_change(uint16_t message, const struct feed *feed) {
  uint8_t key[24];
  size_t size = make_key(feed, key);
  const char *set = set_of(feed);
  uint64_t seconds = feed->ttl < LEAST_SECONDS ? LEAST_SECONDS : feed->ttl > MOST_SECONDS ? MOST_SECONDS : feed->ttl;
  uint64_t timeout = htobe64((seconds + GRACE_SECONDS) * 1000);
  uint16_t flags = message == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
  struct nlmsghdr *head = begin((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, NFPROTO_INET, 0);
  add(NFTA_SET_ELEM_LIST_TABLE, TABLE, sizeof TABLE);
  add(NFTA_SET_ELEM_LIST_SET, set, strlen(set) + 1);
  struct nlattr *list = nest(NFTA_SET_ELEM_LIST_ELEMENTS), *element = nest(NFTA_LIST_ELEM), *outer = nest(NFTA_SET_ELEM_KEY);
  add(NFTA_DATA_VALUE, key, size);
  end_nest(outer);
  if (message == NFT_MSG_NEWSETELEM) add(NFTA_SET_ELEM_TIMEOUT, &timeout, sizeof timeout);
  end_nest(element);
  end_nest(list);
  end(head);
}

static bool is_sound(const struct feed *feed) {
  if (feed->family != 4 && feed->family != 6) return false;
  return feed->port == 0 ? feed->protocol == 0 : feed->protocol == IPPROTO_TCP || feed->protocol == IPPROTO_UDP;
}

static bool too_many(void) {
  static int64_t second;
  static unsigned count;
  int64_t now = resolve_now_ms() / 1000;
  if (now != second) count = 0;
  second = now;
  return ++count > MAX_MESSAGES_PER_SECOND;
}

/* Of the last change comes an acknowledgement, after what is wrong with others; of a batch that may not be, a word to its begin. */
static int hear_outcome(int socket) {
  int error = 0;
  for (;;) {
    union {
      uint8_t bytes[2048];
      struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
      };
    } answer __attribute__((aligned(4)));
    struct pollfd ready = {.fd = socket, .events = POLLIN};
    if (poll(&ready, 1, PATIENCE_MS) <= 0) return errno = ETIMEDOUT, -1;
    ssize_t size = recv(socket, &answer, sizeof answer, MSG_DONTWAIT);
    if (size < (ssize_t)(sizeof answer.head + sizeof answer.error.error) || answer.head.nlmsg_type != NLMSG_ERROR)
      return errno = EPROTO, -1;
    if (answer.error.error != 0) error = -answer.error.error;
    if (answer.head.nlmsg_seq == LAST_CHANGE || answer.head.nlmsg_seq == BATCH) break;
  }
  while (recv(socket, &(char){0}, 1, MSG_DONTWAIT) >= 0) continue; /* what else is said of it */
  return error == 0 ? 0 : (errno = error, -1);
}

/* Added, deleted, added, in one transaction: the time of an element that is there would stay as it is. */
int open_sets(int socket, const struct feed *feeds, unsigned count) {
  if (count > MAX_FEEDS || too_many()) return errno = EAGAIN, -1;
  if (count == 0) return 0;
  batch.used = 0;
  struct nlmsghdr *head = begin(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  head->nlmsg_seq = BATCH;
  end(head);
  size_t last = 0;
  for (unsigned i = 0; i < count; i++) {
    if (!is_sound(&feeds[i])) return errno = EINVAL, -1;
    add_change(NFT_MSG_NEWSETELEM, &feeds[i]);
    add_change(NFT_MSG_DELSETELEM, &feeds[i]);
    last = batch.used;
    add_change(NFT_MSG_NEWSETELEM, &feeds[i]);
  }
  head = (struct nlmsghdr *)(void *)(batch.bytes + last);
  head->nlmsg_seq = LAST_CHANGE;
  head->nlmsg_flags |= NLM_F_ACK;
  end(begin(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (sendto(socket, batch.bytes, batch.used, 0, (const struct sockaddr *)&kernel, sizeof kernel) != (ssize_t)batch.used) return -1;
  return hear_outcome(socket);
}
