/* What becomes of a question: answered from here, refused, or sent on. */
#include <string.h>

#include "resolve.h"
#include "resolve-filter.h"

static void answer_addresses(const struct question *question, const struct found *found, struct answer *answer) {
  size_t size = question->type == TYPE_A ? 4 : 16;
  for (unsigned i = 0; i < found->count; i++)
    add_record(answer, question->type, found->addresses[(i + responder.rotation) % found->count], size);
  responder.rotation++;
}

static bool knows_pointer(const struct question *question, const char **name, size_t *length) {
  uint8_t address[16];
  int family = question->type == TYPE_PTR ? read_reverse(question->name, address) : 0;
  *name = family == 0 ? NULL : find_owner(&responder.names, family, address, length);
  return *name != NULL;
}

static enum verdict say(const uint8_t *query, const struct question *question, int rcode, struct answer *answer) {
  refuse(query, question, rcode, answer);
  return VERDICT_ANSWER;
}

void refuse(const uint8_t *query, const struct question *question, int rcode, struct answer *answer) {
  begin_answer_to(answer, query, question, rcode);
  finish_answer(answer, question);
}

static enum verdict answer_known(const uint8_t *query, const struct question *question, struct answer *answer) {
  const struct found *found = &responder.found;
  bool addresses = question->type == TYPE_A || question->type == TYPE_AAAA;
  if (addresses && responder.filter && !admit_found(question, found)) return say(query, question, RCODE_SERVFAIL, answer);
  begin_answer_to(answer, query, question, RCODE_OK);
  if (addresses) answer_addresses(question, found, answer);
  finish_answer(answer, question);
  return VERDICT_ANSWER;
}

enum verdict decide(const uint8_t *query, size_t size, struct question *question, struct answer *answer) {
  int rcode = parse_question(query, size, question);
  const char *owner;
  size_t length;
  if (rcode < 0) return VERDICT_DROP;
  if (rcode != RCODE_OK) return say(query, question, rcode, answer);
  if (!refresh_names(&responder.names)) return say(query, question, RCODE_SERVFAIL, answer);
  /* not REFUSED: some resolvers ask again and again after that */
  if (responder.filter && !is_allowed(question)) return say(query, question, RCODE_NXDOMAIN, answer);
  if (knows_pointer(question, &owner, &length)) {
    begin_answer_to(answer, query, question, RCODE_OK);
    add_pointer(answer, owner, length);
    finish_answer(answer, question);
    return VERDICT_ANSWER;
  }
  int family = question->type == TYPE_AAAA ? AF_INET6 : AF_INET;
  if (question->plain) find_addresses(&responder.names, question->name, family, &responder.found);
  if (question->plain && responder.found.known) return answer_known(query, question, answer);
  if (responder.names.internal) return say(query, question, RCODE_NXDOMAIN, answer);
  return responder.names.upstream_count == 0 ? say(query, question, RCODE_SERVFAIL, answer) : VERDICT_FORWARD;
}

bool admit(const uint8_t *packet, size_t size, const struct question *question) {
  return !responder.filter || admit_answer(packet, size, question);
}
