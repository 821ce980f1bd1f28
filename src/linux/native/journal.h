/* Entries for the systemd journal, in its native protocol: a datagram each. */
#ifndef CORACLE_JOURNAL_H
#define CORACLE_JOURNAL_H

#include <stddef.h>

struct journal {
  const char *socket; /* path of the journal's socket; NULL: no journal */
  const char *fields; /* NAME=value lines that every entry gets */
  int fd;
};

int journal_open(struct journal *journal);
/* One line of stream 1 or 2, or a piece of one that has no line feed at its end. */
int journal_send(const struct journal *journal, int stream, const char *text, size_t size);

#endif
