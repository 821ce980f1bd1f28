/* The lines that control connections speak; docs/internals/native.md lists them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fail.h"
#include "resolve-keep.h"
#include "supervisor.h"

int listen_for_clients(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/supervisor.sock", self.run_directory);
  if (length >= (int)sizeof address.sun_path) return errno = ENAMETOOLONG, fail("bind", self.run_directory);
  if (unlink(address.sun_path) < 0 && errno != ENOENT) return fail("unlink", address.sun_path);
  self.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self.listener < 0) return fail("socket", address.sun_path);
  mode_t before = umask(0177);
  int bound = bind(self.listener, (struct sockaddr *)&address, sizeof address);
  umask(before);
  if (bound < 0) return fail("bind", address.sun_path);
  strcpy(self.socket_path, address.sun_path);
  return listen(self.listener, 16) < 0 ? fail("listen", address.sun_path) : 0;
}

void accept_client(void) {
  int fd = accept4(self.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) client_add(self.clients, fd);
}

void say(struct client *client, const char *line) {
  if (client->fd >= 0) client_send(client, line, strlen(line));
}

void say_to_owner(const char *word, const char *text) {
  char line[1024];
  snprintf(line, sizeof line, "%s\t%s\n", word, text);
  say(&self.clients[0], line);
}

static void resize(struct client *client, unsigned columns, unsigned rows) {
  struct winsize window = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  bool done = self.terminal && self.out[0] >= 0 && ioctl(self.out[0], TIOCSWINSZ, &window) == 0;
  say(client, done ? "OK\n" : "ERROR\tthere is no terminal\n");
}

static void attach(struct client *client, bool stdin_wanted, bool stdout_wanted, bool stderr_wanted) {
  client->attached = true;
  client->wants_stdin = stdin_wanted;
  client->wants_stdout = stdout_wanted;
  client->wants_stderr = stderr_wanted;
  say(client, self.terminal ? "RAW\n" : "FRAMED\n");
}

/* Whether `line` is the word and `count` numbers, each after one space. Not sscanf: it alone is as large as all of this. */
static bool matches(const char *line, const char *word, unsigned *numbers, int count) {
  size_t length = strlen(word);
  if (strncmp(line, word, length) != 0) return false;
  line += length;
  for (int i = 0; i < count; i++) {
    char *end;
    if (line[0] != ' ' || line[1] < '0' || line[1] > '9') return false;
    unsigned long number = strtoul(line + 1, &end, 10);
    if (number > UINT16_MAX) return false;
    numbers[i] = (unsigned)number;
    line = end;
  }
  return *line == '\0';
}

static void send_signal(struct client *client, unsigned number) {
  /* the parent may signal without a race: the pid is ours until we reap it */
  bool sent = number > 0 && number < NSIG && !self.child_ended && kill(self.child, (int)number) == 0;
  say(client, sent ? "OK\n" : "ERROR\tno such signal, or the container has ended\n");
}

static void begin_resolving(struct client *client, unsigned port) {
  char line[512], description[448];
  if (!self.child_ended && resolver_begin(port) == 0) {
    say(client, "OK\n");
    return;
  }
  resolver_stop();
  describe(description, sizeof description, 0);
  snprintf(line, sizeof line, "ERROR\t%s", description);
  line[strcspn(line, "\n")] = '\0';
  say(client, line);
  say(client, "\n");
}

static void obey(struct client *client, const char *line) {
  unsigned number[3];
  if (matches(line, "SIGNAL", number, 1)) {
    send_signal(client, number[0]);
  } else if (matches(line, "RESIZE", number, 2)) {
    resize(client, number[0], number[1]);
  } else if (matches(line, "CLEAR-LOG", number, 0)) {
    say(client, log_clear(&self.log) == 0 ? "OK\n" : "ERROR\tthe log cannot be emptied\n");
  } else if (matches(line, "RESOLVE", number, 1)) {
    begin_resolving(client, number[0]);
  } else if (matches(line, "WAIT", number, 0)) {
    client->waits = true;
  } else if (matches(line, "TAKE-EXIT", number, 0)) {
    client->takes_exit = client->waits = true;
  } else if (matches(line, "RELEASE", number, 0)) {
    client->takes_exit = client->waits = client->owner = false;
  } else if (matches(line, "ATTACH", number, 3)) {
    attach(client, number[0] != 0, number[1] != 0, number[2] != 0);
  } else {
    say(client, "ERROR\tunknown request\n");
  }
}

void hear_client(struct client *client) {
  ssize_t size = recv(client->fd, client->line + client->line_used, sizeof client->line - 1 - client->line_used, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    client_drop(client);
    return;
  }
  client->line_used += (size_t)size;
  client->line[client->line_used] = '\0';
  for (char *newline; client->fd >= 0 && !client->attached && (newline = memchr(client->line, '\n', client->line_used)) != NULL;) {
    *newline = '\0';
    size_t taken = (size_t)(newline + 1 - client->line);
    obey(client, client->line);
    if (client->fd < 0) return;
    client->line_used -= taken;
    memmove(client->line, newline + 1, client->line_used + 1);
  }
  if (client->attached) { /* what followed the request is input already */
    if (client->wants_stdin) keep_input(client->line, client->line_used);
    client->line_used = 0;
  }
  if (client->line_used == sizeof client->line - 1) client_drop(client);
}
