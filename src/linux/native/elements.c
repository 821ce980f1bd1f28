#include "elements.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"

#define ROOM (32 * 1024)
#define MAX_KEY 64 /* NFT_DATA_VALUE_MAXLEN */
#define AT_ONCE 128 /* with their heads and the longest keys and values they fit */
#define TIMEOUT_SECONDS 10

struct batch {
  _Alignas(struct nlmsghdr) char room[ROOM];
  size_t used;
};

struct set {
  uint8_t family;
  const char *table, *name;
};

struct element {
  struct bytes key, value;
};

/* Of the last request, in each of its messages: the kernel answers a batch that it refuses as a whole by the first. Answers to earlier ones may still be there. */
static uint32_t sequence;

/* To close a connection that has removed something waits for every processor: it stays open for as long as the process does. */
static int connection(void) {
  static int fd = -1;
  struct timeval patience = {.tv_sec = TIMEOUT_SECONDS};
  if (fd >= 0) return fd;
  cleanup_fd int fresh = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fresh < 0 || setsockopt(fresh, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) return -1;
  return fd = steal_fd(&fresh);
}

static struct nlmsghdr *begin(struct batch *batch, int type, uint8_t family, uint16_t resource) {
  struct nlmsghdr *head = (struct nlmsghdr *)(batch->room + batch->used);
  struct nfgenmsg *body = NLMSG_DATA(head);
  *head = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof *body), .nlmsg_type = (uint16_t)type, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = sequence};
  *body = (struct nfgenmsg){.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};
  batch->used += NLMSG_ALIGN(head->nlmsg_len);
  return head;
}

static struct nlattr *add(struct batch *batch, uint16_t type, const void *data, size_t size) {
  struct nlattr *attribute = (struct nlattr *)(batch->room + batch->used);
  *attribute = (struct nlattr){.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + size)};
  memset((char *)attribute + NLA_HDRLEN, 0, NLA_ALIGN(size));
  if (size > 0) memcpy((char *)attribute + NLA_HDRLEN, data, size);
  batch->used += NLA_ALIGN(attribute->nla_len);
  return attribute;
}

static void end_nest(const struct batch *batch, struct nlattr *nest) {
  nest->nla_len = (uint16_t)(batch->room + batch->used - (const char *)nest);
}

static void add_data(struct batch *batch, uint16_t type, struct bytes data) {
  struct nlattr *nest = add(batch, type | NLA_F_NESTED, NULL, 0);
  add(batch, NFTA_DATA_VALUE, data.data, data.size);
  end_nest(batch, nest);
}

static void write_message(struct batch *batch, int type, const struct set *set, const struct element *elements, size_t count) {
  struct nlmsghdr *head = begin(batch, NFNL_SUBSYS_NFTABLES << 8 | type, set->family, 0);
  head->nlmsg_flags |= NLM_F_ACK | (type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
  add(batch, NFTA_SET_ELEM_LIST_TABLE, set->table, strlen(set->table) + 1);
  add(batch, NFTA_SET_ELEM_LIST_SET, set->name, strlen(set->name) + 1);
  struct nlattr *list = add(batch, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, NULL, 0);
  for (size_t i = 0; i < count; i++) {
    struct nlattr *element = add(batch, NFTA_LIST_ELEM | NLA_F_NESTED, NULL, 0);
    add_data(batch, NFTA_SET_ELEM_KEY, elements[i].key);
    if (elements[i].value.size > 0) add_data(batch, NFTA_SET_ELEM_DATA, elements[i].value);
    end_nest(batch, element);
  }
  end_nest(batch, list);
  head->nlmsg_len = (uint32_t)(batch->room + batch->used - (char *)head);
}

/* -1 with errno, not noted: some errors are fine. */
static int talk(const struct batch *batch) {
  _Alignas(struct nlmsghdr) char answer[ROOM];
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
  int fd = connection();
  if (fd < 0 || sendto(fd, batch->room, batch->used, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) return -1;
  for (;;) {
    ssize_t size = recv(fd, answer, sizeof answer, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return -1;
    if ((size_t)size < NLMSG_LENGTH(sizeof(int))) return errno = EPROTO, -1;
    if (head->nlmsg_seq == sequence) break;
  }
  if (head->nlmsg_type != NLMSG_ERROR) return 0; /* what was asked for */
  errno = -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
  return errno == 0 ? 0 : -1;
}

/* The kernel takes a batch whole or not at all. */
static int send_elements(int type, const struct set *set, const struct element *elements, size_t count) {
  struct batch batch = {.used = 0};
  sequence++;
  begin(&batch, NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  write_message(&batch, type, set, elements, count);
  begin(&batch, NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  return talk(&batch);
}

/* To ask costs nothing; a batch that fails waits for every processor. */
static bool is_there(const struct set *set, const struct element *element) {
  struct batch batch = {.used = 0};
  sequence++;
  write_message(&batch, NFT_MSG_GETSETELEM, set, &(struct element){.key = element->key}, 1);
  return talk(&batch) == 0;
}

static int delete_each(const struct set *set, const struct element *elements, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!is_there(set, elements + i)) continue;
    if (send_elements(NFT_MSG_DELSETELEM, set, elements + i, 1) < 0 && errno != ENOENT) return -1;
  }
  return 0;
}

static int delete_some(const struct set *set, const struct element *elements, size_t count) {
  if (!is_there(set, elements)) return delete_each(set, elements, count);
  if (send_elements(NFT_MSG_DELSETELEM, set, elements, count) == 0) return 0;
  return errno == ENOENT ? delete_each(set, elements, count) : -1;
}

/* What is there already is fine; a key that leads elsewhere is of somebody dead, and taken over. */
static int add_some(const struct set *set, const struct element *elements, size_t count) {
  if (send_elements(NFT_MSG_NEWSETELEM, set, elements, count) == 0) return 0;
  if (errno != EBUSY && errno != EEXIST) return -1;
  if (delete_each(set, elements, count) < 0) return -1;
  return send_elements(NFT_MSG_NEWSETELEM, set, elements, count);
}

static int for_all(struct reader *args, int (*change)(const struct set *, const struct element *, size_t)) {
  struct element elements[AT_ONCE];
  size_t count = 0;
  struct set set = {.family = (uint8_t)read_u32(args)};
  set.table = read_string(args);
  set.name = read_string(args);
  bool too_long = strlen(set.table) >= NFT_TABLE_MAXNAMELEN || strlen(set.name) >= NFT_SET_MAXNAMELEN;
  for (uint32_t left = read_u32(args); left > 0 && !args->bad && !too_long; left--) {
    struct element *element = &elements[count++];
    element->key = read_bytes(args);
    element->value = read_bytes(args);
    too_long = element->key.size > MAX_KEY || element->value.size > MAX_KEY;
    if (args->bad || too_long) break;
    if (count < AT_ONCE && left > 1) continue;
    if (change(&set, elements, count) < 0) return fail("change packet filter set", set.name);
    count = 0;
  }
  return args->bad || too_long ? (errno = EINVAL, fail("decode", "elements")) : 0;
}

int step_elements(struct reader *args) { return for_all(args, add_some); }

int remove_elements(struct reader args) { return for_all(&args, delete_some); }
