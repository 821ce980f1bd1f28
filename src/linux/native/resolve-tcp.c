/* Questions that come by TCP: one after the other on a connection, asked upstream by TCP as well. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "resolve.h"

#define LENGTH 2 /* what comes before each message */
#define MAX_ANSWERS 2 /* answers at once: whoever finds no place for its own waits */

enum state { FREE, READING, ASKING, HEARING, WRITING };

/* An answer on its way in or out. */
static struct space {
  bool used;
  uint8_t data[LENGTH + DNS_MESSAGE];
} spaces[MAX_ANSWERS];

static struct connection {
  enum state state;
  int fd, upstream; /* upstream: while ASKING and HEARING */
  unsigned number;  /* of that upstream */
  size_t used, done; /* bytes of the query that are there, of it or the answer that have gone on */
  size_t size;       /* of the answer, with its length */
  int64_t idle, deadline, give_up;
  struct space *space;
  struct question question;
  uint8_t query[LENGTH + DNS_QUERY];
  int place, upstream_place;
} connections[MAX_TCP];

static void let_go(struct connection *connection) {
  close_fd(&connection->upstream);
  if (connection->space != NULL) connection->space->used = false;
  connection->space = NULL;
}

static void hang_up(struct connection *connection) {
  let_go(connection);
  close_fd(&connection->fd);
  connection->state = FREE;
}

static bool take_space(struct connection *connection) {
  for (struct space *space = spaces; connection->space == NULL && space < spaces + MAX_ANSWERS; space++) {
    if (space->used) continue;
    space->used = true;
    connection->space = space;
  }
  return connection->space != NULL;
}

static size_t query_size(const struct connection *connection) { return LENGTH + (size_t)get_u16(connection->query); }

static bool is_whole(const struct connection *connection) {
  return connection->used >= LENGTH && connection->used >= query_size(connection);
}

static void write_answer(struct connection *connection) {
  close_fd(&connection->upstream);
  const uint8_t *rest = connection->space->data + connection->done;
  ssize_t sent = send(connection->fd, rest, connection->size - connection->done, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) {
    hang_up(connection);
    return;
  }
  connection->done += (size_t)sent;
  connection->idle = resolve_now_ms() + IDLE_MS;
  if (connection->done < connection->size) return;
  let_go(connection);
  size_t size = query_size(connection);
  memmove(connection->query, connection->query + size, connection->used - size); /* the next one may be there already */
  connection->used -= size;
  connection->state = READING;
}

static void start_writing(struct connection *connection, size_t size) {
  set_u16(connection->space->data, (unsigned)size);
  connection->size = LENGTH + size;
  connection->done = 0;
  connection->state = WRITING;
  write_answer(connection);
}

static struct answer answer_in(struct space *space) { return (struct answer){.data = space->data + LENGTH, .limit = DNS_MESSAGE}; }

static void answer_error(struct connection *connection, int rcode) {
  struct answer answer = answer_in(connection->space);
  set_u16(connection->query + LENGTH, connection->question.id);
  refuse(connection->query + LENGTH, &connection->question, rcode, &answer);
  start_writing(connection, answer.size);
}

static void ask_from(struct connection *connection, unsigned number) {
  for (; number < responder.names.upstream_count; number++) {
    close_fd(&connection->upstream);
    connection->upstream = open_upstream(number, SOCK_STREAM);
    if (connection->upstream < 0) continue;
    set_u16(connection->query + LENGTH, random_id());
    connection->number = number;
    connection->done = 0;
    connection->state = ASKING;
    int64_t patience = resolve_now_ms() + UPSTREAM_MS;
    connection->deadline = patience < connection->give_up ? patience : connection->give_up;
    return;
  }
  answer_error(connection, RCODE_SERVFAIL);
}

/* A question that has come whole, as soon as there is space for its answer. */
static void take_question(struct connection *connection) {
  if (!take_space(connection)) return;
  struct answer answer = answer_in(connection->space);
  switch (decide(connection->query + LENGTH, get_u16(connection->query), &connection->question, &answer)) {
    case VERDICT_DROP: hang_up(connection); break;
    case VERDICT_ANSWER: start_writing(connection, answer.size); break;
    case VERDICT_FORWARD:
      connection->give_up = resolve_now_ms() + OVERALL_MS;
      ask_from(connection, 0);
  }
}

static void read_question(struct connection *connection) {
  size_t room = sizeof connection->query - connection->used;
  ssize_t size = recv(connection->fd, connection->query + connection->used, room, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) connection->used += (size_t)size;
  connection->idle = resolve_now_ms() + IDLE_MS;
  /* one that is longer than any we take would never be there */
  if (size <= 0) hang_up(connection);
  else if (connection->used >= LENGTH && query_size(connection) > sizeof connection->query) hang_up(connection);
}

static void ask_upstream(struct connection *connection) {
  size_t size = query_size(connection);
  const uint8_t *rest = connection->query + connection->done;
  ssize_t sent = send(connection->upstream, rest, size - connection->done, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) { /* also of a connection that was not made */
    ask_from(connection, connection->number + 1);
    return;
  }
  connection->done += (size_t)sent;
  if (connection->done < size) return;
  connection->state = HEARING;
  connection->size = 0;
}

static void take_answer(struct connection *connection) {
  uint8_t *packet = connection->space->data + LENGTH;
  size_t size = connection->size - LENGTH;
  const uint8_t *query = connection->query + LENGTH;
  bool last = connection->number + 1 >= responder.names.upstream_count;
  bool ours = size >= DNS_HEADER && get_u16(packet) == get_u16(query);
  bool fits = ours && answers_question(packet, size, query, &connection->question);
  if (!fits || (is_failure(packet) && !last)) {
    ask_from(connection, connection->number + 1);
  } else if (!admit(packet, size, &connection->question)) {
    answer_error(connection, RCODE_SERVFAIL);
  } else {
    set_u16(packet, connection->question.id);
    start_writing(connection, size);
  }
}

static void hear_upstream(struct connection *connection) {
  uint8_t *data = connection->space->data;
  size_t whole = connection->size < LENGTH ? LENGTH : LENGTH + (size_t)get_u16(data);
  ssize_t size = recv(connection->upstream, data + connection->size, whole - connection->size, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) connection->size += (size_t)size;
  if (size <= 0) ask_from(connection, connection->number + 1);
  else if (connection->size >= LENGTH && connection->size == LENGTH + (size_t)get_u16(data)) take_answer(connection);
}

static void accept_connection(void) {
  struct connection *connection = connections;
  while (connection < connections + MAX_TCP && connection->state != FREE) connection++;
  if (connection == connections + MAX_TCP) return; /* the others wait in the kernel's queue */
  struct sockaddr_in asker;
  socklen_t length = sizeof asker;
  int fd = accept4(RESOLVE_TCP, (struct sockaddr *)&asker, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  connection->state = READING;
  connection->fd = fd;
  connection->upstream = connection->place = connection->upstream_place = -1;
  connection->used = 0;
  connection->space = NULL;
  connection->idle = resolve_now_ms() + IDLE_MS;
  if (length != sizeof asker || (ntohl(asker.sin_addr.s_addr) >> 24) != 127) hang_up(connection);
}

static int listener_place;

static void watch_one(struct watch *watch, struct connection *connection) {
  bool upstream = connection->state == ASKING || connection->state == HEARING;
  short events = connection->state == WRITING ? POLLOUT : connection->state == READING && !is_whole(connection) ? POLLIN : 0;
  connection->place = watch_fd(watch, connection->fd, events);
  short wanted = connection->state == ASKING ? POLLOUT : POLLIN;
  connection->upstream_place = upstream ? watch_fd(watch, connection->upstream, wanted) : -1;
  watch_until(watch, upstream ? connection->deadline : connection->idle);
}

void watch_connections(struct watch *watch) {
  bool room = false;
  for (struct connection *connection = connections; connection < connections + MAX_TCP; connection++) {
    if (connection->state == FREE) room = true;
    else watch_one(watch, connection);
  }
  listener_place = room ? watch_fd(watch, RESOLVE_TCP, POLLIN) : -1;
}

static void serve_one(struct connection *connection, const struct watch *watch, int64_t now) {
  bool upstream = seen(watch, connection->upstream_place) != 0, asker = seen(watch, connection->place) != 0;
  enum state state = connection->state;
  if (state == READING && asker && !is_whole(connection)) read_question(connection);
  else if (state == ASKING && upstream) ask_upstream(connection);
  else if (state == HEARING && upstream) hear_upstream(connection);
  else if (state == WRITING && asker) write_answer(connection);
  else if ((seen(watch, connection->place) & (POLLHUP | POLLERR)) != 0) hang_up(connection);
  else if (state == ASKING || state == HEARING) {
    if (now >= connection->give_up) answer_error(connection, RCODE_SERVFAIL);
    else if (now >= connection->deadline) ask_from(connection, connection->number + 1);
  } else if (now >= connection->idle) hang_up(connection);
}

void serve_connections(const struct watch *watch, int64_t now) {
  for (struct connection *connection = connections; connection < connections + MAX_TCP; connection++) {
    if (connection->state != FREE) serve_one(connection, watch, now);
  }
  /* also those that have waited for space */
  for (struct connection *connection = connections; connection < connections + MAX_TCP; connection++) {
    while (connection->state == READING && is_whole(connection) && take_space(connection)) take_question(connection);
  }
  if (seen(watch, listener_place) != 0) accept_connection();
}
