/* Questions on their way to an upstream and back, by UDP: each from a port of its own, under an id of its own. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "fail.h"
#include "resolve.h"

static struct pending {
  int fd; /* one try; unused entries have 0 as `size` */
  unsigned upstream;
  uint16_t id; /* of this try */
  size_t size;
  int64_t deadline, give_up;
  struct sockaddr_in asker;
  struct question question;
  uint8_t query[DNS_QUERY];
  int place; /* where it is watched */
} table[MAX_PENDING];

uint16_t random_id(void) {
  static uint8_t pool[128];
  static size_t left;
  if (left < 2) {
    if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool) __builtin_trap(); /* it cannot be less (getrandom(2)) */
    left = sizeof pool;
  }
  left -= 2;
  return get_u16(pool + left);
}

bool is_failure(const uint8_t *packet) {
  int rcode = packet[3] & 0xf;
  return rcode == RCODE_SERVFAIL || rcode == RCODE_REFUSED || rcode == RCODE_NOTIMP;
}

int open_upstream(unsigned number, int type) {
  if (number >= responder.names.upstream_count) return -1;
  const struct upstream *upstream = &responder.names.upstreams[number];
  cleanup_fd int fd = socket(upstream->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (const struct sockaddr *)&upstream->address, upstream->size) < 0 && errno != EINPROGRESS) return -1;
  return steal_fd(&fd);
}

void answer_by_udp(const struct answer *answer, const struct sockaddr_in *asker) {
  /* one that cannot be sent is asked for again */
  (void)sendto(RESOLVE_UDP, answer->data, answer->size, MSG_DONTWAIT, (const struct sockaddr *)asker, sizeof *asker);
}

static void end(struct pending *pending) {
  close_fd(&pending->fd);
  pending->size = 0;
}

static void end_with(struct pending *pending, int rcode) {
  struct answer answer = {.data = responder.reply, .limit = sizeof responder.reply};
  refuse(pending->query, &pending->question, rcode, &answer);
  answer_by_udp(&answer, &pending->asker);
  end(pending);
}

/* Asks one upstream after the other until one takes the question. */
static void try_from(struct pending *pending, unsigned upstream) {
  for (; upstream < responder.names.upstream_count; upstream++) {
    close_fd(&pending->fd);
    pending->fd = open_upstream(upstream, SOCK_DGRAM);
    pending->id = random_id();
    set_u16(pending->query, pending->id);
    if (pending->fd < 0 || send(pending->fd, pending->query, pending->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) continue;
    pending->upstream = upstream;
    int64_t patience = resolve_now_ms() + UPSTREAM_MS;
    pending->deadline = patience < pending->give_up ? patience : pending->give_up;
    return;
  }
  end_with(pending, RCODE_SERVFAIL);
}

void forward_question(const uint8_t *query, size_t size, const struct question *question, const struct sockaddr_in *asker) {
  struct pending *pending = table;
  while (pending < table + MAX_PENDING && pending->size > 0) pending++;
  if (pending == table + MAX_PENDING) { /* all are waiting: the asker need not */
    struct answer answer = {.data = responder.reply, .limit = sizeof responder.reply};
    refuse(query, question, RCODE_SERVFAIL, &answer);
    answer_by_udp(&answer, asker);
    return;
  }
  *pending = (struct pending){.fd = -1, .size = size, .asker = *asker, .question = *question, .place = -1};
  pending->give_up = resolve_now_ms() + OVERALL_MS;
  memcpy(pending->query, query, size);
  try_from(pending, 0);
}

/* Packets that are no answer to the question change nothing. */
static void hear_upstream(struct pending *pending) {
  uint8_t *packet = responder.packet;
  ssize_t size = recv(pending->fd, packet, sizeof responder.packet, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size < 0) try_from(pending, pending->upstream + 1); /* nobody listens there */
  if (size < DNS_HEADER || get_u16(packet) != pending->id) return;
  if (!answers_question(packet, (size_t)size, pending->query, &pending->question)) return;
  bool last = pending->upstream + 1 >= responder.names.upstream_count;
  if (is_failure(packet) && !last) {
    try_from(pending, pending->upstream + 1);
  } else if (!admit(packet, (size_t)size, &pending->question)) {
    end_with(pending, RCODE_SERVFAIL);
  } else {
    set_u16(packet, pending->question.id);
    answer_by_udp(&(struct answer){.data = packet, .size = (size_t)size}, &pending->asker);
    end(pending);
  }
}

void watch_forwards(struct watch *watch) {
  for (struct pending *pending = table; pending < table + MAX_PENDING; pending++) {
    pending->place = -1;
    if (pending->size == 0) continue;
    pending->place = watch_fd(watch, pending->fd, POLLIN);
    watch_until(watch, pending->deadline);
  }
}

void serve_forwards(const struct watch *watch, int64_t now) {
  for (struct pending *pending = table; pending < table + MAX_PENDING; pending++) {
    if (pending->size == 0 || pending->place < 0) continue;
    if (seen(watch, pending->place) != 0) hear_upstream(pending);
    else if (now >= pending->give_up) end_with(pending, RCODE_SERVFAIL);
    else if (now >= pending->deadline) try_from(pending, pending->upstream + 1);
  }
}
