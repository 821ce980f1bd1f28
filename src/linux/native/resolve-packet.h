/* DNS messages (RFC 1035, 6891): questions read, answers written. Every byte that comes in may lie. */
#ifndef CORACLE_RESOLVE_PACKET_H
#define CORACLE_RESOLVE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER 12
#define DNS_NAME 256 /* a name as text: at most 253 characters, and a NUL */
#define DNS_QUERY 1024 /* the longest question taken */
#define DNS_MESSAGE 65535
#define ANSWER_TTL 600 /* seconds */

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_PTR = 12, TYPE_AAAA = 28, TYPE_OPT = 41 };
enum { RCODE_OK, RCODE_FORMERR, RCODE_SERVFAIL, RCODE_NXDOMAIN, RCODE_NOTIMP, RCODE_REFUSED };
enum { FLAG_ANSWER = 0x8000, FLAG_TRUNCATED = 0x0200, FLAG_ASKS_RECURSION = 0x0100, FLAG_RECURSION = 0x0080 };
enum { FLAG_CHECKING = 0x0010, FLAGS_OPCODE = 0x7800 };

struct question {
  uint16_t id, flags, type;
  char name[DNS_NAME]; /* lower case, without the last dot */
  bool plain;          /* no byte of the name is white space, control, a dot in a label or beyond ASCII */
  size_t end;          /* where the question ends in the packet; 0: it has none that could be repeated */
  bool edns;
  uint16_t room;       /* bytes of an answer that the asker takes by UDP */
};

struct answer {
  uint8_t *data;
  size_t size, limit;
  uint16_t count;
  bool datagram; /* no longer than the asker has room for */
  bool truncated;
};

static inline uint16_t get_u16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline void set_u16(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

/* RCODE_OK, the error to answer with, or -1 for what deserves no answer. */
int parse_question(const uint8_t *packet, size_t size, struct question *question);
/* Reads a name at *at, following pointers backwards only; `text` (DNS_NAME bytes) may be NULL. False when it is malformed. */
bool read_name(const uint8_t *packet, size_t size, size_t *at, char *text, bool *plain);

struct record {
  char owner[DNS_NAME];
  uint16_t type, class;
  uint32_t ttl;
  size_t data, size; /* in the packet */
};
bool read_record_at(const uint8_t *packet, size_t size, size_t *at, struct record *record);

/* Whether `packet` answers `question` as it stands in `query`, whatever id it went out with. */
bool answers_question(const uint8_t *packet, size_t size, const uint8_t *query, const struct question *question);

void begin_answer_to(struct answer *answer, const uint8_t *query, const struct question *question, int rcode);
/* The name is that of the question. What does not fit is left out, and said to be. */
void add_record(struct answer *answer, uint16_t type, const void *data, size_t size);
/* A PTR record: `name` as text. */
void add_pointer(struct answer *answer, const char *name, size_t length);
void finish_answer(struct answer *answer, const struct question *question);

#endif
