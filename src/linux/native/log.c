#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "forget.h"
#include "moment.h"

#define MAX_ENTRY (LOG_LINE_MAX * 6 + 128) /* each byte may become \u00XX */

#define WRITE_AT (32 * 1024)

/* Entries on their way to the file: many short lines, one write. Untouched pages cost nothing: few entries are long. */
static struct {
  char text[WRITE_AT + MAX_ENTRY];
  size_t used;
} pending;

/* A line that was cut (by a power failure, a full disk) must not swallow the next one. */
static int end_cut_line(struct log *log) {
  char last;
  cleanup_fd int reader = -1;
  if (log->size == 0) return 0;
  reader = open(log->path, O_RDONLY | O_CLOEXEC);
  if (reader < 0) return fail("open", log->path);
  if (pread(reader, &last, 1, (off_t)log->size - 1) != 1) return fail("pread", log->path);
  log->cut = last != '\n';
  return 0;
}

int log_open(struct log *log) {
  struct stat status;
  if (log->path == NULL) {
    if (journal_open(&log->journal) < 0) return -1;
    log->opened = log->journal.fd >= 0;
    return 0;
  }
  log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (log->fd < 0) return fail("open", log->path);
  log->opened = true;
  if (fstat(log->fd, &status) < 0) return fail("fstat", log->path);
  log->size = (uint64_t)status.st_size;
  return end_cut_line(log);
}

/* path.1 is the newest of the old ones. */
static int move_files(const struct log *log) {
  char from[PATH_MAX], to[PATH_MAX];
  if (strlen(log->path) > PATH_MAX - 16) return errno = ENAMETOOLONG, fail("rename", log->path);
  for (uint32_t i = log->max_files; i-- > 1;) {
    snprintf(to, sizeof to, "%s.%u", log->path, i);
    if (i == 1) snprintf(from, sizeof from, "%s", log->path);
    else snprintf(from, sizeof from, "%s.%u", log->path, i - 1);
    if (rename(from, to) < 0 && errno != ENOENT) return fail("rename", from);
  }
  if (log->max_files <= 1 && unlink(log->path) < 0 && errno != ENOENT) return fail("unlink", log->path);
  return 0;
}

static int rotate(struct log *log) {
  close_fd(&log->fd);
  int moved = move_files(log); /* a log that grows too long is better than none */
  return log_open(log) < 0 || moved < 0 ? -1 : 0;
}

static int write_pending(struct log *log);

int log_clear(struct log *log) {
  char old[PATH_MAX];
  if (!log->opened || log->path == NULL) return 0;
  if (write_pending(log) < 0) return -1;
  if (unlink(log->path) < 0 && errno != ENOENT) return fail("unlink", log->path); /* a new file: readers see that it is another */
  close_fd(&log->fd);
  log->cut = false;
  for (uint32_t i = 1; i < log->max_files; i++) {
    if (snprintf(old, sizeof old, "%s.%u", log->path, i) >= (int)sizeof old) return errno = ENAMETOOLONG, fail("unlink", log->path);
    if (unlink(old) < 0 && errno != ENOENT) return fail("unlink", old);
  }
  return log_open(log);
}

/* The length of the UTF-8 sequence at `text`, 0 when it is not one (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *text, size_t size) {
  unsigned char first = text[0];
  size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || length > size) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
  }
  if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f)) return 0;
  if ((first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f)) return 0;
  return length;
}

/* How many bytes from `text` on stand for themselves in JSON, as docker's encoder writes it. */
static size_t plain_length(const char *text, size_t size) {
  static bool plain[256];
  if (!plain[' ']) {
    for (int byte = 0x20; byte < 0x80; byte++) plain[byte] = strchr("\"\\<>&", byte) == NULL;
  }
  size_t length = 0;
  while (length < size && plain[(unsigned char)text[length]]) length++;
  return length;
}

/* A byte of ASCII that does not stand for itself. */
static char *escape_byte(char *to, unsigned char byte) {
  static const char hex[] = "0123456789abcdef";
  const char *named = byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : byte == '"' ? "\\\"" : byte == '\\' ? "\\\\" : NULL;
  if (named != NULL) return mempcpy(to, named, 2);
  return mempcpy(to, (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
}

/* `<`, `>`, `&` and U+2028/9 are escaped, invalid bytes replaced. */
static size_t escape(char *to, const char *text, size_t size) {
  char *start = to;
  for (size_t i = 0; i < size;) {
    size_t plain = plain_length(text + i, size - i);
    to = mempcpy(to, text + i, plain);
    i += plain;
    if (i == size) break;
    size_t length = utf8_length((const unsigned char *)text + i, size - i);
    bool separator = length == 3 && memcmp(text + i, "\xe2\x80", 2) == 0 && ((unsigned char)text[i + 2] & 0xfe) == 0xa8;
    if (length == 0) to = mempcpy(to, "\\ufffd", 6);
    else if (length == 1) to = escape_byte(to, (unsigned char)text[i]);
    else if (separator) to = mempcpy(to, (unsigned char)text[i + 2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
    else to = mempcpy(to, text + i, length);
    i += length == 0 ? 1 : length;
  }
  return (size_t)(to - start);
}

static int write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -1;
    data += written;
    size -= (size_t)written;
  }
  return 0;
}

static int write_pending(struct log *log) {
  size_t size = pending.used;
  pending.used = 0;
  if (size == 0) return 0;
  if (log->fd < 0) { /* there was no room for a new file when it was rotated: perhaps now */
    if (log_open(log) < 0) return -1;
    log->size += size;
  }
  if (log->cut && write_all(log->fd, "\n", 1) < 0) return fail("write", log->path);
  log->cut = write_all(log->fd, pending.text, size) < 0; /* perhaps in the middle of a line */
  return log->cut ? fail("write", log->path) : 0;
}

/* What follows the text of every entry that one read has brought: they came at the same time. */
static struct {
  char text[96];
  size_t size; /* 0: not known yet */
  int stream;
} tail;

static void make_tail(int stream) {
  char *to = stpcpy(stpcpy(stpcpy(tail.text, "\",\"stream\":\""), stream == 1 ? "stdout" : "stderr"), "\",\"time\":\"");
  to += time_stamp(to);
  to = mempcpy(to, "\"}\n", 3);
  tail.size = (size_t)(to - tail.text);
  tail.stream = stream;
}

static int write_entry(struct log *log, int stream, const char *text, size_t size) {
  if (log->journal.fd >= 0) return journal_send(&log->journal, stream, text, size);
  char *start = pending.text + pending.used, *to = mempcpy(start, "{\"log\":\"", 8);
  to += escape(to, text, size);
  if (tail.size == 0 || tail.stream != stream) make_tail(stream);
  to = mempcpy(to, tail.text, tail.size);
  size_t length = (size_t)(to - start);
  if (log->max_size != 0 && log->fd >= 0 && log->size > 0 && log->size + length > log->max_size) {
    int written = write_pending(log);
    if (rotate(log) < 0 || written < 0) return -1;
    memmove(pending.text, start, length);
  }
  pending.used += length;
  log->size += length;
  return pending.used < WRITE_AT ? 0 : write_pending(log);
}

static int flush_line(struct log *log, int stream) {
  struct line *line = &log->lines[stream - 1];
  size_t used = line->used;
  line->used = 0;
  return used == 0 ? 0 : write_entry(log, stream, line->text, used);
}

int log_write(struct log *log, int stream, const char *data, size_t size) {
  struct line *line = &log->lines[stream - 1];
  int result = 0;
  if (!log->opened) return 0;
  tail.size = 0;
  while (size > 0) {
    const char *newline = memchr(data, '\n', size);
    size_t wanted = newline == NULL ? size : (size_t)(newline - data) + 1;
    size_t room = sizeof line->text - line->used, taken = wanted < room ? wanted : room;
    if (line->used == 0 && newline != NULL && taken == wanted) {
      if (write_entry(log, stream, data, taken) < 0) result = -1; /* a whole line: no copy */
    } else {
      memcpy(line->text + line->used, data, taken);
      line->used += taken;
      bool whole = newline != NULL && taken == wanted;
      if ((whole || line->used == sizeof line->text) && flush_line(log, stream) < 0) result = -1;
    }
    data += taken;
    size -= taken;
  }
  return write_pending(log) < 0 ? -1 : result;
}

void log_forget(void) {
  if (pending.used == 0) forget_pages(pending.text, pending.text + sizeof pending.text);
}

int log_close(struct log *log) {
  if (!log->opened) return 0;
  tail.size = 0;
  int first = flush_line(log, 1), second = flush_line(log, 2), rest = write_pending(log);
  close_fd(&log->fd);
  close_fd(&log->journal.fd);
  return first < 0 || second < 0 || rest < 0 ? -1 : 0;
}
