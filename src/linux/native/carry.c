/* Carries streams between the container, its log and whoever is attached, until the container has ended. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fail.h"
#include "forget.h"
#include "records.h"
#include "resolve-keep.h"
#include "supervisor.h"

/* Input that the container has not taken yet. Nobody's stdin is read while there is any. */
static struct {
  char data[16 * 1024];
  size_t used, sent;
  bool ended; /* stdin is closed once all is sent */
} input;

static bool input_pending(void) { return self.in >= 0 && input.used > input.sent; }

static void pass_input(void) {
  while (input_pending()) {
    ssize_t written = write(self.in, input.data + input.sent, input.used - input.sent);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) { /* EPIPE: the container does not want any */
      close_fd(&self.in);
      return;
    }
    input.sent += (size_t)written;
  }
  if (input.ended) close_fd(&self.in);
}

void keep_input(const char *data, size_t size) {
  size_t room = sizeof input.data - (input.used - input.sent);
  if (size > room) size = room; /* only a client that did not wait for the answer to ATTACH can be cut here */
  memmove(input.data, input.data + input.sent, input.used - input.sent);
  input.used -= input.sent;
  input.sent = 0;
  memcpy(input.data + input.used, data, size);
  input.used += size;
  pass_input();
}

static void take_input(struct client *client) {
  input.used = input.sent = 0;
  ssize_t size = recv(client->fd, input.data, sizeof input.data, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) {
    input.used = (size_t)size;
  } else {
    /* a half-closed client still wants the output; a dead one is found out by the next write or POLLHUP */
    client->wants_stdin = false;
    input.ended = self.stdin_once && !self.terminal;
  }
  pass_input();
}

/*
 * The owner makes the container wait when it does not read; anybody else is dropped before it can. What is left in the pipes of
 * one that has ended is kept for the owner instead: others wait to learn of the end.
 */
static bool owner_is_behind(void) {
  size_t limit = self.child_ended ? BACKLOG_LIMIT / 2 : 0;
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    if (client->fd >= 0 && client->attached && client->owner && client_pending(client) > limit) return true;
  }
  return false;
}

static char data[32 * 1024]; /* half of what a pipe holds: the other half can be filled meanwhile */

static void carry_output(int stream) {
  int *fd = &self.out[stream - 1];
  ssize_t size = read(*fd, data, sizeof data);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) { /* a terminal ends with EIO */
    close_fd(fd);
    return;
  }
  log_write(&self.log, stream, data, (size_t)size);
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    if (client->fd < 0 || !client->attached) continue;
    if (stream == 1 ? client->wants_stdout : client->wants_stderr)
      client_send_stream(client, stream, data, (size_t)size, self.terminal);
  }
}

static void reap(void) {
  struct signalfd_siginfo info;
  if (read(self.signals, &info, sizeof info) < 0) return;
  int status;
  for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
    probe_ended(&self.probe, ended, status);
    resolver_ended(ended);
    helper_ended(&self.host.helper, ended);
    if (ended != self.child) continue; /* a probe, or an orphan that became ours */
    self.child_ended = true;
    self.status = status;
    self.finished_ns = now_ns();
    close_fd(&self.terminal_peer); /* now the terminal may end */
  }
}

static short client_events(const struct client *client) {
  short events = client_pending(client) > 0 ? POLLOUT : 0;
  if (!client->attached || (client->wants_stdin && self.in >= 0 && !input_pending())) events |= POLLIN;
  return events;
}

static void serve_client(struct client *client, short revents) {
  if (revents & POLLOUT) client_flush(client);
  if (client->fd < 0) return;
  if (revents & POLLIN) {
    if (!client->attached) hear_client(client);
    else if (!input_pending()) take_input(client);
  } else if (revents & (POLLHUP | POLLERR)) {
    client_drop(client);
  }
}

enum { SIGNALS, LISTENER, STDIN, STDOUT, STDERR, RESOLVER, CLIENTS = RESOLVER + RESOLVER_FDS };

static void watch(struct pollfd *fds, bool held) {
  fds[SIGNALS] = (struct pollfd){.fd = self.signals, .events = POLLIN};
  fds[LISTENER] = (struct pollfd){.fd = self.listener, .events = POLLIN};
  fds[STDIN] = (struct pollfd){.fd = input_pending() ? self.in : -1, .events = POLLOUT};
  fds[STDOUT] = (struct pollfd){.fd = held ? -1 : self.out[0], .events = POLLIN};
  fds[STDERR] = (struct pollfd){.fd = held ? -1 : self.out[1], .events = POLLIN};
  resolver_watch(fds + RESOLVER);
  for (int i = 0; i < MAX_CLIENTS; i++) {
    const struct client *client = &self.clients[i];
    /* one that hung up is not dropped before its input is taken, nor asked again and again meanwhile */
    bool later = client->attached && client->wants_stdin && input_pending() && client_pending(client) == 0;
    fds[CLIENTS + i] = (struct pollfd){.fd = later ? -1 : client->fd, .events = client_events(client)};
  }
}

/* Of milliseconds, -1 for ever. */
static int sooner(int one, int other) {
  return one < 0 || (other >= 0 && other < one) ? other : one;
}

/* There are many supervisors, and few have much to do: what the last of it took is let go of. */
static bool at_rest;

static void rest(void) {
  forget_pages(data, data + sizeof data);
  log_forget();
  malloc_trim(0);
  forget_code();
  at_rest = true;
}

static int patience(void) {
  if (self.child_ended) return 100;
  int timers = sooner(deadline_timeout(&self.deadline), sooner(probe_timeout(&self.probe), resolver_timeout()));
  return at_rest ? timers : sooner(timers, REST_AFTER_MS);
}

void carry_streams(void) {
  for (int64_t deadline = -1;;) {
    struct pollfd fds[CLIENTS + MAX_CLIENTS];
    bool held = owner_is_behind(), drained = self.out[0] < 0 && self.out[1] < 0;
    if (self.child_ended && (deadline < 0 || held)) deadline = now_ms() + DRAIN_MS; /* of time in which it could be read */
    if (self.child_ended && (drained || now_ms() > deadline)) return;
    watch(fds, held);
    if (!self.child_ended) {
      probe_run_if_due(&self.probe);
      if (deadline_act_if_due(&self.deadline, self.child)) thaw_groups(&self.host);
    }
    int events = poll(fds, CLIENTS + MAX_CLIENTS, patience());
    if (events < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (events > 0) at_rest = false;
    else if (!at_rest) rest();
    resolver_serve(fds + RESOLVER);
    if (fds[STDOUT].revents) carry_output(1);
    if (fds[STDERR].revents) carry_output(2);
    if (fds[STDIN].revents) pass_input();
    for (int i = 0; i < MAX_CLIENTS; i++) {
      struct client *client = &self.clients[i];
      if (client->fd >= 0 && client->fd == fds[CLIENTS + i].fd) serve_client(client, fds[CLIENTS + i].revents);
    }
    /* only now: a client that just ended must not lend its descriptor's number, and its events, to a new one */
    if (fds[LISTENER].revents) accept_client();
    if (fds[SIGNALS].revents) reap();
    if (self.tied && !self.child_ended && !self.clients[0].owner) kill(self.child, SIGKILL);
  }
}
