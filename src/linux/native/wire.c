#include "wire.h"

#include <errno.h>
#include <string.h>

#include "fail.h"

static const uint8_t *take(struct reader *reader, size_t size) {
  if (reader->bad || (size_t)(reader->end - reader->at) < size) {
    reader->bad = true;
    return NULL;
  }
  const uint8_t *taken = reader->at;
  reader->at += size;
  return taken;
}

uint32_t read_u32(struct reader *reader) {
  const uint8_t *p = take(reader, 4);
  if (p == NULL) return 0;
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t read_u64(struct reader *reader) {
  uint64_t low = read_u32(reader);
  return low | (uint64_t)read_u32(reader) << 32;
}

struct bytes read_bytes(struct reader *reader) {
  uint32_t size = read_u32(reader);
  const uint8_t *data = take(reader, size);
  if (data == NULL) return (struct bytes){NULL, 0};
  return (struct bytes){data, size};
}

const char *read_string(struct reader *reader) {
  uint32_t size = read_u32(reader);
  const uint8_t *text = take(reader, (size_t)size + 1);
  if (text == NULL) return "";
  if (text[size] != '\0' || memchr(text, '\0', size) != NULL) {
    reader->bad = true;
    return "";
  }
  return (const char *)text;
}

const char **read_strings(struct reader *reader) {
  uint32_t count = read_u32(reader);
  /* each string takes five bytes at least, so a lying count cannot ask for much memory */
  if (reader->bad || count > (size_t)(reader->end - reader->at) / 5) {
    reader->bad = true;
    return NULL;
  }
  const char **list = calloc((size_t)count + 1, sizeof *list);
  if (list == NULL) {
    reader->bad = true;
    return NULL;
  }
  for (uint32_t i = 0; i < count; i++) list[i] = read_string(reader);
  return list;
}

bool read_record(struct reader *plan, uint32_t *code, struct reader *payload) {
  if (plan->at == plan->end) return false;
  *code = read_u32(plan);
  struct bytes body = read_bytes(plan);
  if (plan->bad) return false;
  *payload = (struct reader){.at = body.data, .end = body.data + body.size};
  return true;
}

uint8_t *read_whole(int fd, size_t limit, size_t *size) {
  size_t capacity = 64 * 1024, used = 0;
  uint8_t *buffer = malloc(capacity);
  while (buffer != NULL) {
    ssize_t got = read(fd, buffer + used, capacity - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      fail("read", "the plan");
      break;
    }
    if (got == 0) {
      *size = used;
      return buffer;
    }
    used += (size_t)got;
    if (used > limit) {
      fail_because("read", "the plan", "it is too long");
      break;
    }
    if (used == capacity) {
      uint8_t *larger = realloc(buffer, capacity *= 2);
      if (larger == NULL) fail("realloc", "the plan");
      if (larger == NULL) break;
      buffer = larger;
    }
  }
  free(buffer);
  return NULL;
}
