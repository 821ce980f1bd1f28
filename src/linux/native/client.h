/* Whoever is connected to a supervisor: control connections speak lines, attached ones get the container's streams. */
#ifndef CORACLE_CLIENT_H
#define CORACLE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_CLIENTS 64
#define LINE_MAX_BYTES 128
/* What an attached client may lag behind before it is dropped; the one that started the container makes it wait instead. */
#define BACKLOG_LIMIT (1024 * 1024)

struct client {
  int fd;             /* -1: free */
  bool owner;         /* the command that started the container */
  bool takes_exit;    /* it records the end itself */
  bool waits;         /* it asked to hear of the end */
  bool attached, wants_stdin, wants_stdout, wants_stderr;
  char line[LINE_MAX_BYTES];
  size_t line_used;
  char *backlog;
  size_t backlog_size, backlog_used, backlog_sent;
};

struct client *client_add(struct client *clients, int fd);
void client_drop(struct client *client);
/* Queues and sends what the socket takes at once. Drops a client that is gone or too far behind. */
void client_send(struct client *client, const char *data, size_t size);
/* As one frame of docker's stream framing, or raw for a terminal. */
void client_send_stream(struct client *client, int stream, const char *data, size_t size, bool raw);
void client_flush(struct client *client);
static inline size_t client_pending(const struct client *client) { return client->backlog_used - client->backlog_sent; }

#endif
