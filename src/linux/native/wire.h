/* Reads the length-prefixed form that encode-plan.ts writes. All integers are little-endian. Nothing is copied:
 * strings end in a NUL inside the buffer and are pointed at. The first malformed field sets `bad` for good. */
#ifndef CORACLE_WIRE_H
#define CORACLE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
  const uint8_t *at;
  const uint8_t *end;
  bool bad;
};

struct bytes {
  const uint8_t *data;
  uint32_t size;
};

uint32_t read_u32(struct reader *reader);
uint64_t read_u64(struct reader *reader);
static inline int64_t read_i64(struct reader *reader) { return (int64_t)read_u64(reader); }
/* Never NULL: "" when malformed. Holds no NUL before its end. */
const char *read_string(struct reader *reader);
struct bytes read_bytes(struct reader *reader);
/* A list of strings as a NULL-terminated array the caller frees; NULL when malformed or out of memory. */
const char **read_strings(struct reader *reader);
/* The next record of a plan; false at the end or when malformed. */
bool read_record(struct reader *plan, uint32_t *code, struct reader *payload);

/* Reads `fd` to its end into fresh memory. Returns NULL with the failure noted. */
uint8_t *read_whole(int fd, size_t limit, size_t *size);

#endif
