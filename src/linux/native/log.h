/* docker's json-file log: one JSON object a line, rotated by size. Or the journal's. */
#ifndef CORACLE_LOG_H
#define CORACLE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "journal.h"

#define LOG_LINE_MAX (16 * 1024) /* docker splits longer lines there */

struct log {
  const char *path; /* NULL: no log */
  uint64_t max_size; /* 0: never rotated */
  uint32_t max_files;
  int fd;
  bool opened; /* there is a log, even while a full disk keeps its next file from being made */
  bool cut; /* the file may end in the middle of a line */
  struct journal journal; /* instead of a file */
  uint64_t size;
  struct line {
    char text[LOG_LINE_MAX];
    size_t used;
  } lines[2]; /* unfinished lines of stdout and stderr */
};

int log_open(struct log *log);
/* Takes what the container wrote to stream 1 or 2. A failed write (a full disk) is noted and the bytes are lost, the container goes on. */
int log_write(struct log *log, int stream, const char *data, size_t size);
/* Empties the file and removes the old ones; readers that are at work go on from its start. */
int log_clear(struct log *log);
/* Writes unfinished lines and closes. */
int log_close(struct log *log);
/* Lets go of memory that it needs only while it writes. */
void log_forget(void);

#endif
