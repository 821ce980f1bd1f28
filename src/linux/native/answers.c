/* The stream of the archive job's answers: gathered, and written in large pieces, or only summed up. */
#include <errno.h>
#include <string.h>

#include "archive.h"
#include "blake2.h"
#include "fail.h"

#define BUFFER_SIZE (2u << 20)
#define LARGEST (1u << 20) /* answer, but for content */

static struct {
  uint8_t bytes[BUFFER_SIZE];
  size_t used, begun;
  bool unfinished;
} out;

/* Of answers that nobody wants to read, only to know whether they are the same. */
static struct {
  struct blake2 hash;
  bool active;
} sum;

static int write_all(const void *data, size_t size) {
  if (sum.active) return blake2_add(&sum.hash, data, size), 0;
  for (const uint8_t *at = data; size > 0;) {
    ssize_t written = write(1, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail("write", "the answers");
    at += written;
    size -= (size_t)written;
  }
  return 0;
}

/* An answer that was broken off is left out. */
int flush_answers(void) {
  size_t size = out.unfinished ? out.begun - 4 : out.used;
  out.unfinished = false;
  out.used = 0;
  return write_all(out.bytes, size);
}

/* `begin_answer` has made room for the largest answer: these need not look. */
void put_u32(uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.bytes[out.used++] = (uint8_t)(value >> shift);
}

void put_u64(uint64_t value) {
  put_u32((uint32_t)value);
  put_u32((uint32_t)(value >> 32));
}

void put_bytes(const void *data, size_t size) {
  put_u32((uint32_t)size);
  if (size > 0) memcpy(out.bytes + out.used, data, size);
  out.used += size;
}

void put_string(const char *text) { put_bytes(text, strlen(text)); }

int begin_answer(uint32_t code) {
  if (sizeof out.bytes - out.used < LARGEST && flush_answers() < 0) return -1;
  put_u32(code);
  out.begun = out.used;
  out.unfinished = true;
  put_u32(0);
  return 0;
}

int end_answer(void) {
  size_t end = out.used;
  out.used = out.begun;
  put_u32((uint32_t)(end - out.begun - 4));
  out.used = end;
  out.unfinished = false;
  return 0;
}

int put_content(const void *data, size_t size) {
  if (begin_answer(ANSWER_DATA) < 0) return -1;
  out.used = out.begun;
  put_u32((uint32_t)size);
  out.unfinished = false;
  if (size > sizeof out.bytes - out.used) return flush_answers() < 0 ? -1 : write_all(data, size);
  memcpy(out.bytes + out.used, data, size);
  out.used += size;
  return 0;
}

struct place put_later(void) {
  struct place place = {out.used};
  put_u32(0);
  return place;
}

void put_at(struct place place, uint32_t value) {
  size_t end = out.used;
  out.used = place.at;
  put_u32(value);
  out.used = end;
}

int begin_sum(void) {
  if (flush_answers() < 0) return -1;
  blake2_begin(&sum.hash, 0);
  sum.active = true;
  return 0;
}

int end_sum(void) {
  uint8_t digest[BLAKE2_DIGEST];
  if (flush_answers() < 0) return -1;
  blake2_end(&sum.hash, digest);
  sum.active = false;
  if (begin_answer(ANSWER_DIGEST) < 0) return -1;
  put_bytes(digest, sizeof digest);
  return end_answer();
}
