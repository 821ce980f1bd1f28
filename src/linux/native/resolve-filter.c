#include "resolve-filter.h"

#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "resolve.h"

#define MAX_ALIASES 16
#define PATIENCE_MS 2000
#define RECENT_MS 5000

bool matches_pattern(const struct span *pattern, const char *name) {
  size_t length = strlen(name);
  if (word_is(pattern, "*")) return true;
  if (pattern->size < 3 || strncmp(pattern->text, "*.", 2) != 0)
    return pattern->size == length && memcmp(pattern->text, name, length) == 0;
  size_t tail = pattern->size - 1; /* with its dot */
  return length > tail && memcmp(name + length - tail, pattern->text + 1, tail) == 0;
}

/* False for what makes no sense. */
static bool read_gate(struct span *line, struct gate *gate) {
  struct span protocol, port;
  char digits[6] = "", *end;
  if (!next_word(line, &protocol) || !next_word(line, &port)) return false;
  gate->protocol = word_is(&protocol, "tcp") ? IPPROTO_TCP : word_is(&protocol, "udp") ? IPPROTO_UDP : 0;
  gate->port = 0;
  if (gate->protocol == 0 && !word_is(&protocol, "*")) return false;
  if (word_is(&port, "*")) return true;
  if (port.size >= sizeof digits) return false;
  memcpy(digits, port.text, port.size);
  unsigned long number = strtoul(digits, &end, 10);
  gate->port = (uint16_t)number;
  return *end == '\0' && number > 0 && number <= 65535;
}

static bool overlap(const struct gate *one, const struct gate *other) {
  bool protocol = one->protocol == 0 || other->protocol == 0 || one->protocol == other->protocol;
  return protocol && (one->port == 0 || other->port == 0 || one->port == other->port);
}

/* Adds the gates of lines with this key that match the name. One that makes no sense denies all and allows nothing. */
static unsigned collect(const char *config, size_t size, const char *key, const char *name, struct gate *gates) {
  unsigned count = 0;
  struct span line, word, pattern;
  for (const char *at = config, *end = config + size; next_line(&at, end, &line);) {
    if (!next_word(&line, &word) || !word_is(&word, key)) continue;
    if (!next_word(&line, &pattern) || !matches_pattern(&pattern, name)) continue;
    struct gate gate;
    bool denies = *key == 'd';
    if (!read_gate(&line, &gate) || (denies && count == MAX_GATES - 1)) {
      if (!denies) continue;
      gate = (struct gate){0};
    }
    if (count < MAX_GATES) gates[count++] = gate;
  }
  return count;
}

/* An allowed gate goes whole when a denied one overlaps it: what is left of it could not be said to the packet filter. */
unsigned find_gates(const char *config, size_t size, const char *name, struct gate gates[MAX_GATES]) {
  struct gate denied[MAX_GATES];
  unsigned denied_count = collect(config, size, "deny", name, denied), kept = 0;
  unsigned count = collect(config, size, "allow", name, gates);
  for (unsigned i = 0; i < count; i++) {
    bool open = gates[i].protocol == 0 || gates[i].port != 0; /* a protocol alone is no gate */
    for (unsigned j = 0; j < denied_count && open; j++) open = !overlap(&gates[i], &denied[j]);
    if (open) gates[kept++] = gates[i];
  }
  return kept;
}

/* A port without a protocol is that of both. */
static void add_feed(struct feeds *feeds, struct feed feed) {
  if (feed.port != 0 && feed.protocol == 0) {
    feed.protocol = IPPROTO_TCP;
    add_feed(feeds, feed);
    feed.protocol = IPPROTO_UDP;
  }
  if (feeds->count < MAX_ANSWER_FEEDS) feeds->list[feeds->count++] = feed;
}

static void add_address(struct feeds *feeds, const uint8_t *address, size_t size, uint32_t ttl) {
  for (unsigned i = 0; i < feeds->gate_count; i++) {
    const struct gate *gate = &feeds->gates[i];
    struct feed feed = {.family = size == 4 ? 4 : 6, .protocol = gate->protocol, .port = gate->port, .ttl = ttl};
    memcpy(feed.address, address, size);
    add_feed(feeds, feed);
  }
}

/* One look through an answer for what belongs to `name`; the next name of the chain goes to `alias`. False at the chain's end. */
static bool take_records(const uint8_t *packet, size_t size, size_t at, const char *name, char *alias, struct feeds *feeds) {
  bool aliased = false;
  for (unsigned left = get_u16(packet + 6); left > 0; left--) {
    struct record record;
    if (!read_record_at(packet, size, &at, &record)) break;
    if (record.class != 1 || strcmp(record.owner, name) != 0) continue;
    size_t data = record.data;
    if (record.type == TYPE_CNAME && !aliased) aliased = read_name(packet, size, &data, alias, NULL);
    if ((record.type == TYPE_A && record.size == 4) || (record.type == TYPE_AAAA && record.size == 16))
      add_address(feeds, packet + record.data, record.size, record.ttl);
  }
  return aliased;
}

void find_feeds(const uint8_t *packet, size_t size, const struct question *question, struct feeds *feeds) {
  char name[DNS_NAME], alias[DNS_NAME];
  size_t at = question->end;
  feeds->count = 0;
  if (size < at || at < DNS_HEADER) return;
  strcpy(name, question->name);
  for (int i = 0; i < MAX_ALIASES && take_records(packet, size, at, name, alias, feeds); i++) strcpy(name, alias);
}

static bool await(uint32_t serial) {
  for (int64_t deadline = resolve_now_ms() + PATIENCE_MS;;) {
    struct pollfd channel = {.fd = RESOLVE_CHANNEL, .events = POLLIN};
    struct acknowledgement acknowledgement;
    int64_t wait = deadline - resolve_now_ms();
    if (wait <= 0 || poll(&channel, 1, (int)wait) < 0) return false;
    ssize_t size = recv(RESOLVE_CHANNEL, &acknowledgement, sizeof acknowledgement, MSG_DONTWAIT);
    if (size == 0) return false;
    /* one that came too late for an earlier question is none */
    if (size == (ssize_t)sizeof acknowledgement && acknowledgement.serial == serial) return acknowledgement.done == 1;
  }
}

static bool send_feeds(const struct feed *feeds, unsigned count) {
  static uint32_t serial;
  struct tell tell = {.kind = TELL_ADDRESSES, .count = (uint8_t)count, .serial = ++serial};
  memcpy(tell.feeds, feeds, count * sizeof *feeds);
  return send(RESOLVE_CHANNEL, &tell, sizeof tell, MSG_NOSIGNAL) == (ssize_t)sizeof tell && await(tell.serial);
}

/* Those of the last seconds need not be said again. */
static struct recent {
  struct feed feed;
  int64_t until; /* milliseconds; 0: there is none */
} recent[256];

static struct recent *recent_of(const struct feed *feed) {
  uint32_t hash = 2166136261u;
  const uint8_t *bytes = (const uint8_t *)feed;
  for (size_t i = 0; i < sizeof *feed; i++) {
    if (i < offsetof(struct feed, ttl) || i >= offsetof(struct feed, address)) hash = (hash ^ bytes[i]) * 16777619u;
  }
  return &recent[hash % (sizeof recent / sizeof *recent)];
}

static bool is_recent(const struct feed *feed, int64_t now) {
  const struct recent *known = recent_of(feed);
  struct feed same = *feed;
  same.ttl = known->feed.ttl;
  return known->until > now && feed->ttl <= known->feed.ttl && memcmp(&same, &known->feed, sizeof same) == 0;
}

static void leave_recent_out(struct feeds *feeds) {
  unsigned kept = 0;
  int64_t now = resolve_now_ms();
  for (unsigned i = 0; i < feeds->count; i++) {
    if (!is_recent(&feeds->list[i], now)) feeds->list[kept++] = feeds->list[i];
  }
  feeds->count = kept;
}

static bool open_way(struct feeds *feeds) {
  leave_recent_out(feeds);
  for (unsigned i = 0; i < feeds->count; i += MAX_FEEDS) {
    unsigned left = feeds->count - i;
    if (!send_feeds(feeds->list + i, left < MAX_FEEDS ? left : MAX_FEEDS)) return false;
  }
  int64_t until = resolve_now_ms() + RECENT_MS;
  for (unsigned i = 0; i < feeds->count; i++) *recent_of(&feeds->list[i]) = (struct recent){feeds->list[i], until};
  return true;
}

static void prepare(const struct question *question, struct feeds *feeds) {
  const struct mapping *config = &responder.names.config;
  feeds->count = 0;
  feeds->gate_count = config->text == NULL ? 0 : find_gates(config->text, config->size, question->name, feeds->gates);
}

static struct feeds feeds;

bool is_allowed(const struct question *question) {
  prepare(question, &feeds);
  /* a dot within a label would make another name look like one below an allowed one */
  if (question->plain && feeds.gate_count > 0) return true;
  struct tell tell = {.kind = TELL_REFUSED, .count = (uint8_t)strlen(question->name)};
  memcpy(tell.text, question->name, tell.count);
  /* a supervisor that is behind does without */
  (void)send(RESOLVE_CHANNEL, &tell, sizeof tell, MSG_NOSIGNAL | MSG_DONTWAIT);
  return false;
}

bool admit_answer(const uint8_t *packet, size_t size, const struct question *question) {
  prepare(question, &feeds);
  find_feeds(packet, size, question, &feeds);
  return open_way(&feeds);
}

bool admit_found(const struct question *question, const struct found *found) {
  prepare(question, &feeds);
  for (unsigned i = 0; i < found->count; i++)
    add_address(&feeds, found->addresses[i], question->type == TYPE_A ? 4 : 16, ANSWER_TTL);
  return open_way(&feeds);
}
