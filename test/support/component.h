/* What components of the tests are written with: WASI 0.2 by its canonical ABI, without a libc. */
#include <stddef.h>
#include <stdint.h>

#define IMPORT(interface, name) __attribute__((import_module(interface "@0.2.3"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

/* Strings, lists, and results as they lie in memory. */
struct text {
  char *at;
  size_t size;
};
struct result_text {
  uint8_t failed;
  struct text value;
};
struct result_handle {
  uint8_t failed;
  union {
    int32_t handle;
    uint8_t error;
  };
};

static char heap[1 << 20];
static size_t used;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  used = (used + align - 1) & -align;
  if (used + size > sizeof heap)
    __builtin_trap();
  char *made = heap + used;
  used += size;
  for (size_t at = 0; at < old_size; at++)
    made[at] = ((char *)old)[at];
  return made;
}

IMPORT("wasi:cli/stdout", "get-stdout") int32_t get_stdout(void);
IMPORT("wasi:io/streams", "[method]output-stream.blocking-write-and-flush")
void stream_write(int32_t stream, const char *at, size_t size, void *result);
IMPORT("wasi:io/streams", "[method]input-stream.blocking-read")
void stream_read(int32_t stream, uint64_t size, struct result_text *result);
IMPORT("wasi:io/streams", "[resource-drop]output-stream") void drop_output(int32_t stream);
IMPORT("wasi:io/streams", "[resource-drop]input-stream") void drop_input(int32_t stream);
IMPORT("wasi:io/poll", "[method]pollable.block") void pollable_block(int32_t pollable);
IMPORT("wasi:clocks/monotonic-clock", "subscribe-duration") int32_t after(uint64_t ns);

static size_t length(const char *text) {
  size_t size = 0;
  while (text[size] != 0)
    size++;
  return size;
}

void *memcpy(void *to, const void *from, size_t size) {
  for (size_t at = 0; at < size; at++)
    ((char *)to)[at] = ((const char *)from)[at];
  return to;
}

void *memset(void *to, int byte, size_t size) {
  for (size_t at = 0; at < size; at++)
    ((char *)to)[at] = byte;
  return to;
}

static void print_text(const char *at, size_t size) {
  char result[12];
  int32_t out = get_stdout();
  stream_write(out, at, size, result);
  drop_output(out);
}

static void print(const char *text) { print_text(text, length(text)); }

static void print_number(uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do
    digits[--at] = '0' + number % 10;
  while (number /= 10);
  print_text(digits + at, sizeof digits - at);
}
