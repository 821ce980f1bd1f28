/* What the parts of the resolve job share: one responder, its sockets and its tables. Nothing here is ever allocated. */
#ifndef CORACLE_RESOLVE_H
#define CORACLE_RESOLVE_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "resolve-names.h"
#include "resolve-packet.h"

/* Descriptors as the supervisor hands them over. */
enum { RESOLVE_UDP = 3, RESOLVE_TCP, RESOLVE_CHANNEL, RESOLVE_DIRECTORY, RESOLVE_NAMES, RESOLVE_LAST = RESOLVE_NAMES };

#define MAX_PENDING 64 /* questions that wait for an upstream, by UDP */
#define MAX_TCP 16     /* connections of askers */
#define MAX_POLLED (3 + MAX_PENDING + 2 * MAX_TCP)
#define UPSTREAM_MS 2000
#define OVERALL_MS 6000
#define IDLE_MS 10000

struct responder {
  struct names names;
  struct found found;
  bool filter;
  unsigned rotation;
  uint8_t packet[DNS_MESSAGE]; /* what has just come in by UDP */
  uint8_t reply[DNS_MESSAGE];  /* what is about to go out by UDP */
};

extern struct responder responder;

enum verdict { VERDICT_DROP, VERDICT_ANSWER, VERDICT_FORWARD };
/* Answers from what is known here, into `answer`, or says what else to do with a question. */
enum verdict decide(const uint8_t *query, size_t size, struct question *question, struct answer *answer);
/* An error for a question that was to be forwarded. */
void refuse(const uint8_t *query, const struct question *question, int rcode, struct answer *answer);
/* Whether an answer from upstream may go to the asker, if the asker's container has a filter: makes its addresses reachable first. */
bool admit(const uint8_t *packet, size_t size, const struct question *question);

/* Descriptors to wait for: each part adds its own, and looks at them again by their place. */
struct watch {
  struct pollfd fds[MAX_POLLED];
  unsigned count;
  int64_t until; /* milliseconds, monotonic */
};
/* Its place, or -1 for a descriptor of -1. */
int watch_fd(struct watch *watch, int fd, short events);
void watch_until(struct watch *watch, int64_t until);
static inline short seen(const struct watch *watch, int place) { return place < 0 ? 0 : watch->fds[place].revents; }

/* resolve-forward.c: questions that came by UDP. Takes the packet as it came; -1 when no upstream could be asked. */
void forward_question(const uint8_t *query, size_t size, const struct question *question, const struct sockaddr_in *asker);
void watch_forwards(struct watch *watch);
void serve_forwards(const struct watch *watch, int64_t now);
void answer_by_udp(const struct answer *answer, const struct sockaddr_in *asker);
/* A connection of one try to an upstream; -1 when it cannot be made. */
int open_upstream(unsigned number, int type);
uint16_t random_id(void);
/* An answer after which the next upstream may know better. */
bool is_failure(const uint8_t *packet);

/* resolve-tcp.c */
void watch_connections(struct watch *watch);
void serve_connections(const struct watch *watch, int64_t now);

int64_t resolve_now_ms(void);

#endif
