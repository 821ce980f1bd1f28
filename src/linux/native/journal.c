#include "journal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "fail.h"

#define PATIENCE_SECONDS 1 /* a journal that hangs costs lines, not the container's life */

int journal_open(struct journal *journal) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  if (journal->socket == NULL) return 0;
  if (strlen(journal->socket) >= sizeof address.sun_path) return errno = ENAMETOOLONG, fail("connect", journal->socket);
  strcpy(address.sun_path, journal->socket);
  journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (journal->fd < 0) return fail("socket", journal->socket);
  if (setsockopt(journal->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0) return fail("setsockopt", "SO_SNDTIMEO");
  if (connect(journal->fd, (struct sockaddr *)&address, sizeof address) < 0) return fail("connect", journal->socket);
  return 0;
}

/* MESSAGE in the binary form, because it may hold anything: name, line feed, size (64 bits, little-endian), bytes, line feed. */
int journal_send(const struct journal *journal, int stream, const char *text, size_t size) {
  static bool hangs; /* waited for once: the supervisor has more to do than to wait a second a line */
  static const char partial[] = "CONTAINER_PARTIAL_MESSAGE=true\n";
  char head[64];
  bool whole = size > 0 && text[size - 1] == '\n';
  uint64_t length = whole ? size - 1 : size;
  int used = snprintf(head, sizeof head, "PRIORITY=%d\nMESSAGE\n", stream == 2 ? 3 : 6); /* errors, information */
  for (int i = 0; i < 8; i++) head[used++] = (char)(length >> (8 * i));
  struct iovec parts[] = {
      {(void *)(uintptr_t)journal->fields, strlen(journal->fields)},
      {(void *)(uintptr_t)partial, whole ? 0 : sizeof partial - 1},
      {head, (size_t)used},
      {(void *)(uintptr_t)text, length},
      {"\n", 1},
  };
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = sizeof parts / sizeof *parts};
  ssize_t sent;
  int flags = MSG_NOSIGNAL | (hangs ? MSG_DONTWAIT : 0);
  while ((sent = sendmsg(journal->fd, &message, flags)) < 0 && errno == EINTR) continue;
  hangs = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  return sent < 0 ? fail("sendmsg", journal->socket) : 0;
}
