/*
 * resolve-fuzz DIRECTORY SEED ROUNDS: gives the responder's parsers random and mutated packets, names and configurations, each in
 * memory of exactly its size, so that a sanitizer sees the first byte read beyond it. DIRECTORY holds `config` and `net1/names`.
 */
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "resolve-filter.h"
#include "resolve-tried.h"
#include "resolve.h"

static uint64_t state;

static uint32_t chance(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32) % below;
}

#define QUERY "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define REPLY "\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00"
#define WWW "\x03www\x07""example\x00"
#define SEED_OF(text) {text, sizeof text - 1}

static const struct {
  const char *bytes;
  size_t size;
} packets[] = {
    SEED_OF(QUERY "\x03web\x00\x00\x01\x00\x01"),
    SEED_OF("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x03web\x00\x00\x1c\x00\x01\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x00"),
    SEED_OF(QUERY WWW "\x00\x01\x00\x01"),
    SEED_OF(QUERY "\x01" "2\x01" "0\x01" "9\x02" "10\x07" "in-addr\x04" "arpa\x00\x00\x0c\x00\x01"),
    SEED_OF(REPLY WWW "\x00\x01\x00\x01\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01" "b\xc0\x10"
            "\xc0\x29\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01\xc0\x29\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10"
            "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
};
static const char names_seed[] = "10.9.0.2 fd00::2 web web.front abcdef012345\n10.9.0.3 - db web\n- fd00::4 six\n";
static const char config_seed[] =
    "network net1\nupstream 10.0.0.1\nupstream [fd00::1]:53\ninternal\nallow *.example tcp 443\nallow www.example * *\ndeny www.example udp 53\n";

/* A copy with a few bytes changed, cut or doubled, in memory of its size alone; the caller frees it. */
static uint8_t *mutate(const void *seed, size_t *size) {
  uint8_t buffer[2048];
  size_t used = *size;
  memcpy(buffer, seed, used);
  for (uint32_t edits = chance(5); edits > 0 && used > 0; edits--) {
    size_t at = chance((uint32_t)used), length = chance(40);
    switch (chance(5)) {
      case 0: used = at; break;
      case 1:
        if (at + length <= used && used + length <= sizeof buffer) {
          memmove(buffer + at + length, buffer + at, used - at);
          used += length;
        }
        break;
      case 2: buffer[at] = (uint8_t)(0xc0 | chance(4)); break; /* a pointer, perhaps */
      default: buffer[at] = (uint8_t)chance(256);
    }
  }
  if (chance(50) == 0) {
    used = chance(600);
    for (size_t i = 0; i < used; i++) buffer[i] = (uint8_t)chance(256);
  }
  uint8_t *copy = malloc(used == 0 ? 1 : used);
  if (copy == NULL) abort();
  memcpy(copy, buffer, used);
  *size = used;
  return copy;
}

#define CHECK(what) \
  if (!(what)) fprintf(stderr, "broken: %s\n", #what), abort()

static void try_packet(void) {
  size_t which = chance(sizeof packets / sizeof *packets), size = packets[which].size;
  uint8_t *packet = mutate(packets[which].bytes, &size);
  struct question question;
  struct answer answer = {.data = responder.reply, .limit = sizeof responder.reply, .datagram = chance(2) == 0};
  if (decide(packet, size, &question, &answer) == VERDICT_ANSWER) {
    struct record record;
    size_t at = question.end == 0 ? DNS_HEADER : question.end;
    CHECK(answer.size >= DNS_HEADER && (!answer.datagram || answer.size <= question.room));
    for (unsigned left = get_u16(answer.data + 6) + get_u16(answer.data + 10); left > 0; left--)
      CHECK(read_record_at(answer.data, answer.size, &at, &record));
    CHECK(at == answer.size);
  }
  free(packet);
}

static void try_answer(void) {
  static struct feeds feeds;
  size_t size = packets[4].size;
  struct question question = {.name = "www.example", .end = DNS_HEADER + sizeof WWW - 1 + 4};
  uint8_t *packet = mutate(packets[4].bytes, &size);
  feeds.gates[0] = (struct gate){0, 0};
  feeds.gates[1] = (struct gate){0, 443};
  feeds.gate_count = 2;
  (void)answers_question(packet, size, (const uint8_t *)packets[4].bytes, &question);
  find_feeds(packet, size, &question, &feeds);
  CHECK(feeds.count <= MAX_ANSWER_FEEDS);
  free(packet);
}

static void try_names(void) {
  static struct found found;
  size_t size = sizeof names_seed - 1, length;
  uint8_t *text = mutate(names_seed, &size), address[16] = {10, 9, 0, 3};
  struct names names = {.network_count = 1};
  names.networks[0].names = (struct mapping){.text = (const char *)text, .size = size};
  find_addresses(&names, chance(2) == 0 ? "web" : "abcdef012345", AF_INET, &found);
  CHECK(found.count <= MAX_FOUND);
  (void)find_owner(&names, AF_INET, address, &length);
  free(text);
}

static void try_config(void) {
  struct names names = {0};
  struct gate gates[MAX_GATES];
  size_t size = sizeof config_seed - 1;
  uint8_t *text = mutate(config_seed, &size);
  read_config(&names, (const char *)text, size);
  CHECK(names.network_count <= MAX_NETWORKS && names.upstream_count <= MAX_UPSTREAMS);
  CHECK(find_gates((const char *)text, size, "www.example", gates) <= MAX_GATES);
  free(text);
}

/* What the kernel would say of a refused packet, and a name: both end in DIRECTORY/tried. */
static void try_refusal(int directory, const int log[2]) {
  static struct {
    struct nlmsghdr head;
    struct nfgenmsg body;
    struct nlattr attribute;
    uint8_t packet[64];
  } message = {.packet = "\x45\x00\x00\x28\x00\x00\x00\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x12\x34\x01\xbb"};
  size_t size = sizeof message;
  message.head = (struct nlmsghdr){.nlmsg_len = sizeof message, .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET};
  message.attribute = (struct nlattr){.nla_len = NLA_HDRLEN + sizeof message.packet, .nla_type = NFULA_PAYLOAD};
  if (chance(2) == 0) message.packet[0] = 0x60;
  uint8_t *copy = mutate(&message, &size);
  if (send(log[0], copy, size, 0) >= 0) note_connections(directory, log[1]);
  note_name(directory, (const char *)copy, size);
  message.packet[0] = 0x45;
  free(copy);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  state = strtoull(argv[2], NULL, 10) * 2654435761u + 88172645463325252u;
  int directory = open(argv[1], O_RDONLY | O_DIRECTORY);
  int log[2];
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, log) == 0);
  responder.names = (struct names){.directory = directory, .networks_directory = directory};
  for (unsigned long round = strtoul(argv[3], NULL, 10); round > 0; round--) {
    responder.filter = chance(4) == 0;
    try_packet();
    try_answer();
    try_names();
    try_config();
    try_refusal(directory, log);
  }
  return puts("DONE") < 0;
}
