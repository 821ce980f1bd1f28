/* The end of a container: its record, the news of it, and the hook. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "fail.h"
#include "records.h"
#include "resolve-keep.h"
#include "supervisor.h"

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Everyone gets what is still queued for them; nobody may hold the end up for long but the owner. */
static void flush_clients(void) {
  for (int64_t deadline = now_ms() + DRAIN_MS;;) {
    struct pollfd fds[MAX_CLIENTS];
    bool pending = false, owner = false;
    for (int i = 0; i < MAX_CLIENTS; i++) {
      bool waits = self.clients[i].fd >= 0 && client_pending(&self.clients[i]) > 0;
      fds[i] = (struct pollfd){.fd = waits ? self.clients[i].fd : -1, .events = POLLOUT};
      pending = pending || waits;
      owner = owner || (waits && self.clients[i].owner);
    }
    if (!pending || (!owner && now_ms() > deadline)) return;
    if (poll(fds, MAX_CLIENTS, 100) < 0 && errno != EINTR) return;
    for (int i = 0; i < MAX_CLIENTS; i++) {
      if (fds[i].revents) client_flush(&self.clients[i]);
    }
  }
}

/* Whoever still writes to a connection that is closed loses what is left to read on it: owners hang up first. */
static void await_owners(void) {
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    if (client->fd >= 0 && client->owner) shutdown(client->fd, SHUT_WR);
  }
  for (int64_t deadline = now_ms() + DRAIN_MS;;) {
    struct pollfd fds[MAX_CLIENTS];
    bool waits = false;
    for (int i = 0; i < MAX_CLIENTS; i++) {
      bool owner = self.clients[i].fd >= 0 && self.clients[i].owner;
      fds[i] = (struct pollfd){.fd = owner ? self.clients[i].fd : -1, .events = POLLIN};
      waits = waits || owner;
    }
    if (!waits || now_ms() > deadline) return;
    if (poll(fds, MAX_CLIENTS, 100) < 0 && errno != EINTR) return;
    for (int i = 0; i < MAX_CLIENTS; i++) {
      char ignored[4096];
      if (fds[i].revents == 0) continue;
      ssize_t size = recv(self.clients[i].fd, ignored, sizeof ignored, MSG_DONTWAIT);
      if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) client_drop(&self.clients[i]);
    }
  }
}

/* Whoever takes the exit must live: one that was killed closed its end, with or without unread lines in it. */
static bool exit_is_taken(void) {
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    char byte;
    if (client->fd < 0 || !client->takes_exit) continue;
    ssize_t size = recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return true;
  }
  return false;
}

void become(const char **argv, const char **env) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(argv[0], (char *const *)argv, (char *const *)env);
}

int end_supervision(void) {
  char line[256];
  resolver_stop();
  log_close(&self.log);
  struct exit_record record = {.status = exit_status(self.status), .oom_killed = was_oom_killed(&self.host)};
  if (self.deadline.passed) record.status = DEADLINE_STATUS;
  if (WIFSIGNALED(self.status)) record.signal = WTERMSIG(self.status);
  record.finished_ns = self.finished_ns;
  leave_networks(&self.host);
  stop_helper(&self.host.helper);
  int removed = remove_groups(&self.host); /* and with them what counted the kills for want of memory */
  /* an owner is about to store the end itself: no need to wait for the disk */
  int recorded = write_exit_record(self.state_directory, &record, !exit_is_taken());
  unlink(self.socket_path); /* whoever learns of the end may start it again, while an owner still reads */
  format_exit(line, sizeof line, &record);
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    if (client->fd >= 0 && client->waits) say(client, line);
  }
  flush_clients();
  bool taken = exit_is_taken(); /* asked again: one that died is known by now */
  await_owners();
  if (!taken && self.hook_argv != NULL) {
    become(self.hook_argv, self.hook_env);
    return 125; /* nobody is left to be told; the next command finds the exit record */
  }
  return removed < 0 || recorded < 0 ? 125 : 0; /* what stays is found by whoever cleans up after the container */
}
