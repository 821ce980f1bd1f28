#include "client.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"

struct client *client_add(struct client *clients, int fd) {
  for (struct client *client = clients; client < clients + MAX_CLIENTS; client++) {
    if (client->fd >= 0) continue;
    *client = (struct client){.fd = fd};
    return client;
  }
  close(fd);
  return NULL;
}

void client_drop(struct client *client) {
  close_fd(&client->fd);
  free(client->backlog);
  *client = (struct client){.fd = -1};
}

void client_flush(struct client *client) {
  while (client->fd >= 0 && client_pending(client) > 0) {
    ssize_t sent = send(client->fd, client->backlog + client->backlog_sent, client_pending(client), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      client_drop(client);
      return;
    }
    client->backlog_sent += (size_t)sent;
  }
  free(client->backlog);
  client->backlog = NULL;
  client->backlog_size = client->backlog_used = client->backlog_sent = 0;
}

static bool reserve(struct client *client, size_t size) {
  if (client->backlog_sent > 0) {
    memmove(client->backlog, client->backlog + client->backlog_sent, client_pending(client));
    client->backlog_used -= client->backlog_sent;
    client->backlog_sent = 0;
  }
  size_t needed = client->backlog_used + size;
  if (needed <= client->backlog_size) return true;
  if (needed > BACKLOG_LIMIT) return false;
  size_t capacity = client->backlog_size == 0 ? 16 * 1024 : client->backlog_size;
  while (capacity < needed) capacity *= 2;
  char *larger = realloc(client->backlog, capacity);
  if (larger == NULL) return false;
  client->backlog = larger;
  client->backlog_size = capacity;
  return true;
}

void client_send(struct client *client, const char *data, size_t size) {
  while (client->fd >= 0 && client_pending(client) == 0 && size > 0) {
    ssize_t sent = send(client->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) {
      client_drop(client);
      return;
    }
    data += sent;
    size -= (size_t)sent;
  }
  if (client->fd < 0 || size == 0) return;
  if (!reserve(client, size)) {
    client_drop(client);
    return;
  }
  memcpy(client->backlog + client->backlog_used, data, size);
  client->backlog_used += size;
}

void client_send_stream(struct client *client, int stream, const char *data, size_t size, bool raw) {
  if (!raw) {
    uint32_t length = (uint32_t)size;
    char header[8] = {(char)stream, 0, 0, 0, (char)(length >> 24), (char)(length >> 16), (char)(length >> 8), (char)length};
    client_send(client, header, sizeof header);
  }
  if (client->fd >= 0) client_send(client, data, size);
}
