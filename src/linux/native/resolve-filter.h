/* The allow-list: which names may be asked for, and what their answers make reachable. */
#ifndef CORACLE_RESOLVE_FILTER_H
#define CORACLE_RESOLVE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resolve-feed.h"
#include "resolve-names.h"
#include "resolve-packet.h"

#define MAX_GATES 32

/* A protocol and port of an allowed name; 0 and 0: any. */
struct gate {
  uint8_t protocol;
  uint16_t port;
};

/* a.b is itself; *.b is all below b, at any depth, and not b; * is everything. */
bool matches_pattern(const struct span *pattern, const char *name);
/* What the `allow` lines of a configuration open for a name, less what its `deny` lines take away. How many. */
unsigned find_gates(const char *config, size_t size, const char *name, struct gate gates[MAX_GATES]);

#define MAX_ANSWER_FEEDS 256 /* more of one answer stay out of reach */

struct feeds {
  struct gate gates[MAX_GATES];
  unsigned gate_count, count;
  struct feed list[MAX_ANSWER_FEEDS];
};
/* The addresses that an answer gives the asked name, through its aliases: each with all gates. */
void find_feeds(const uint8_t *packet, size_t size, const struct question *question, struct feeds *feeds);

/* Tells the supervisor of one that is not. */
bool is_allowed(const struct question *question);
/* False when the supervisor could not open the way: the answer must not go out. */
bool admit_answer(const uint8_t *packet, size_t size, const struct question *question);
bool admit_found(const struct question *question, const struct found *found);

#endif
