#include "resolve-packet.h"

#include <string.h>

#define MAX_LABEL 63
#define MAX_WIRE_NAME 255
#define OPT_SIZE 11
#define CLASS_IN 1
#define PLAIN_ROOM 512 /* bytes of an answer that everybody takes */
#define OUR_ROOM 4096

static char lower(uint8_t byte) { return (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte); }

static bool is_plain(uint8_t byte) { return byte > ' ' && byte < 127 && byte != '.'; }

bool read_name(const uint8_t *packet, size_t size, size_t *at, char *text, bool *plain) {
  size_t here = *at, wire = 1, used = 0, bound = here;
  bool jumped = false, all_plain = true;
  for (;;) {
    if (here >= size) return false;
    uint8_t length = packet[here];
    if ((length & 0xc0) == 0xc0) {
      if (here + 1 >= size) return false;
      size_t target = (size_t)(length & 0x3f) << 8 | packet[here + 1];
      if (!jumped) *at = here + 2;
      jumped = true;
      if (target >= bound) return false; /* backwards only: no circle, and an end */
      here = bound = target;
      continue;
    }
    if (length > MAX_LABEL) return false;
    if (length == 0) break;
    if (here + 1 + length > size || (wire += 1u + length) > MAX_WIRE_NAME) return false;
    if (text != NULL && used > 0) text[used++] = '.';
    for (size_t i = 0; i < length; i++) {
      uint8_t byte = packet[here + 1 + i];
      all_plain = all_plain && is_plain(byte);
      if (text != NULL) text[used++] = byte == '\0' ? ' ' : lower(byte); /* a NUL would end the text: such a name is not plain */
    }
    here += 1u + length;
  }
  if (!jumped) *at = here + 1;
  if (text != NULL) text[used] = '\0';
  if (plain != NULL) *plain = all_plain;
  return true;
}

bool read_record_at(const uint8_t *packet, size_t size, size_t *at, struct record *record) {
  if (!read_name(packet, size, at, record->owner, NULL) || size - *at < 10) return false;
  const uint8_t *fixed = packet + *at;
  record->type = get_u16(fixed);
  record->class = get_u16(fixed + 2);
  record->ttl = (uint32_t)get_u16(fixed + 4) << 16 | get_u16(fixed + 6);
  record->size = get_u16(fixed + 8);
  record->data = *at + 10;
  if (size - record->data < record->size) return false;
  *at = record->data + record->size;
  return true;
}

/* What comes after the question: of that only EDNS says anything to us. */
static bool read_additional(const uint8_t *packet, size_t size, struct question *question) {
  unsigned count = get_u16(packet + 10);
  size_t at = question->end;
  if (count > 4) return false;
  for (unsigned i = 0; i < count; i++) {
    struct record record;
    if (!read_record_at(packet, size, &at, &record)) return false;
    if (record.type != TYPE_OPT || question->edns) continue;
    question->edns = true;
    if (record.class > question->room) question->room = record.class;
  }
  return true;
}

int parse_question(const uint8_t *packet, size_t size, struct question *question) {
  memset(question, 0, sizeof *question);
  if (size < DNS_HEADER) return -1;
  question->id = get_u16(packet);
  question->flags = get_u16(packet + 2);
  question->room = PLAIN_ROOM;
  if ((question->flags & FLAG_ANSWER) != 0) return -1;
  if ((question->flags & FLAGS_OPCODE) != 0) return RCODE_NOTIMP; /* no plain query */
  if (size > DNS_QUERY || get_u16(packet + 4) != 1 || get_u16(packet + 6) != 0 || get_u16(packet + 8) != 0) return RCODE_FORMERR;
  size_t at = DNS_HEADER;
  if (!read_name(packet, size, &at, question->name, &question->plain) || size - at < 4) return RCODE_FORMERR;
  question->type = get_u16(packet + at);
  question->end = at + 4;
  if (!read_additional(packet, size, question)) return RCODE_FORMERR;
  return get_u16(packet + at + 2) == CLASS_IN ? RCODE_OK : RCODE_NOTIMP;
}

/* Some resolvers answer in other letters than they were asked in. */
bool answers_question(const uint8_t *packet, size_t size, const uint8_t *query, const struct question *question) {
  if (size < question->end || (get_u16(packet + 2) & FLAG_ANSWER) == 0 || get_u16(packet + 4) != 1) return false;
  for (size_t i = DNS_HEADER; i < question->end; i++) {
    if (lower(packet[i]) != lower(query[i])) return false;
  }
  return true;
}

void begin_answer_to(struct answer *answer, const uint8_t *query, const struct question *question, int rcode) {
  size_t size = question->end == 0 ? DNS_HEADER : question->end;
  memset(answer->data, 0, DNS_HEADER);
  set_u16(answer->data, question->id);
  set_u16(answer->data + 2, FLAG_ANSWER | FLAG_RECURSION | (unsigned)rcode |
                                (question->flags & (FLAG_ASKS_RECURSION | FLAG_CHECKING | FLAGS_OPCODE)));
  if (question->end != 0) {
    set_u16(answer->data + 4, 1);
    memcpy(answer->data + DNS_HEADER, query + DNS_HEADER, size - DNS_HEADER);
  }
  answer->size = size;
  answer->count = 0;
  answer->truncated = false;
  if (answer->datagram && answer->limit > question->room) answer->limit = question->room;
  if (question->edns) answer->limit -= OPT_SIZE;
}

void add_record(struct answer *answer, uint16_t type, const void *data, size_t size) {
  if (answer->size + 12 + size > answer->limit) {
    answer->truncated = true;
    return;
  }
  uint8_t *at = answer->data + answer->size;
  set_u16(at, 0xc000 | DNS_HEADER); /* the name of the question */
  set_u16(at + 2, type);
  set_u16(at + 4, CLASS_IN);
  set_u16(at + 6, 0);
  set_u16(at + 8, ANSWER_TTL);
  set_u16(at + 10, (unsigned)size);
  memcpy(at + 12, data, size);
  answer->size += 12 + size;
  answer->count++;
}

void add_pointer(struct answer *answer, const char *name, size_t length) {
  uint8_t wire[MAX_WIRE_NAME];
  size_t used = 0;
  if (length > MAX_WIRE_NAME - 2) return;
  for (const char *end = name + length; name < end;) {
    const char *dot = memchr(name, '.', (size_t)(end - name));
    size_t label = (size_t)((dot == NULL ? end : dot) - name);
    if (label == 0 || label > MAX_LABEL) return;
    wire[used++] = (uint8_t)label;
    memcpy(wire + used, name, label);
    used += label;
    name += label + (dot != NULL);
  }
  wire[used++] = 0;
  add_record(answer, TYPE_PTR, wire, used);
}

void finish_answer(struct answer *answer, const struct question *question) {
  set_u16(answer->data + 6, answer->count);
  if (answer->truncated) set_u16(answer->data + 2, get_u16(answer->data + 2) | FLAG_TRUNCATED);
  if (!question->edns) return;
  uint8_t *opt = answer->data + answer->size;
  memset(opt, 0, OPT_SIZE);
  set_u16(opt + 1, TYPE_OPT);
  set_u16(opt + 3, OUR_ROOM);
  set_u16(answer->data + 10, 1);
  answer->size += OPT_SIZE;
}
