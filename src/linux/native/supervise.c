/* Parent of one container: starts it, carries its streams, keeps its log, and records its end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "client.h"
#include "fail.h"
#include "host.h"
#include "kernel.h"
#include "launch.h"
#include "log.h"
#include "records.h"
#include "seal.h"
#include "terminal.h"

#define PLAN_FD 0
#define CONTROL_FD 3
#define ATTACH_FD 4
#define PLAN_LIMIT (16u << 20)
#define DRAIN_MS 2000 /* for output of processes that outlive the first one outside a pid namespace */

struct supervisor {
  struct host host;
  struct log log;
  struct client clients[MAX_CLIENTS];
  const char *run_directory, *state_directory;
  const char **hook_argv, **hook_env;
  struct reader steps;
  bool terminal, open_stdin, stdin_once;
  struct size size;
  bool in_terminal_mode;
  pid_t child;
  bool child_ended;
  int status;
  bool oom_killed; /* asked once: the counters go with the groups */
  int signals, listener;
  int in, out[2]; /* the container's stdin, stdout and stderr; with a terminal in == a copy of out[0] */
  char socket_path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static struct supervisor self;

static bool read_option(uint32_t code, struct reader *args) {
  switch ((enum step)code) {
    case OPTION_RUN_DIRECTORY: self.run_directory = read_string(args); return true;
    case OPTION_STATE_DIRECTORY: self.state_directory = read_string(args); return true;
    case OPTION_TERMINAL:
      self.terminal = true;
      self.size.columns = (unsigned short)read_u32(args);
      self.size.rows = (unsigned short)read_u32(args);
      return true;
    case OPTION_STDIN:
      self.open_stdin = read_u32(args) != 0;
      self.stdin_once = read_u32(args) != 0;
      return true;
    case OPTION_LOG:
      self.log.path = read_string(args);
      self.log.max_size = read_u64(args);
      self.log.max_files = read_u32(args);
      return true;
    case OPTION_HOOK:
      self.hook_argv = read_strings(args);
      self.hook_env = read_strings(args);
      return self.hook_argv != NULL && self.hook_env != NULL;
    default: return false;
  }
}

static struct client *control(void) { return &self.clients[0]; }

static void say(struct client *client, const char *line) {
  if (client->fd >= 0) client_send(client, line, strlen(line));
}

void describe(char *line, size_t size, unsigned step) {
  static const char *const classes[] = {"launch", "not-found", "not-executable"};
  const char *reason = last_failure.reason != NULL ? last_failure.reason : strerror(last_failure.error);
  snprintf(line, size, "%s\t%u\t%s\t%s\t%d\t%s", classes[last_failure.class], step, last_failure.doing, last_failure.object,
           last_failure.error, reason);
  for (char *c = line; *c != '\0'; c++) {
    if (*c == '\n' || *c == '\r') *c = '?';
  }
}

static void say_message(const char *word, const char *text) {
  char line[1024];
  snprintf(line, sizeof line, "%s\t%s\n", word, text);
  say(control(), line);
}

/* Nothing of the container stays; the exit record tells whoever looks later why it never ran. */
static int give_up(const char *description) {
  if (self.child > 0) {
    kill(self.child, SIGKILL);
    while (waitpid(self.child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  remove_groups(&self.host);
  int status = strncmp(description, "not-found", 9) == 0 ? 127 : strncmp(description, "not-executable", 14) == 0 ? 126 : 125;
  if (self.state_directory != NULL) write_exit_record(self.state_directory, (struct exit_record){.status = status, .error = description});
  say_message("FAILED", description);
  while (control()->fd >= 0 && client_pending(control()) > 0) {
    struct pollfd writable = {.fd = control()->fd, .events = POLLOUT};
    if (poll(&writable, 1, 1000) <= 0) break;
    client_flush(control());
  }
  return 125;
}

static int give_up_here(unsigned step) {
  char description[768];
  describe(description, sizeof description, step);
  return give_up(description);
}

/* Runs host steps until `stop` or the end. */
static int run_host_steps(struct reader *plan, unsigned *step, uint32_t *code, struct reader *args) {
  while (read_record(plan, code, args)) {
    if (*code == HOST_CLONE) return 0;
    if (*code <= OPTION_LAST) {
      if (!read_option(*code, args) || args->bad) return errno = EINVAL, fail("decode", "the options");
      continue;
    }
    uint32_t plain = *code & ~STEP_OPTIONAL;
    if (plain > HOST_LAST) {
      self.steps = *plan;
      return 0;
    }
    ++*step;
    int result = run_host_step(&self.host, plain, args, self.child);
    if (result == 0 && args->bad) result = (errno = EINVAL, fail("decode", "the plan"));
    if (result < 0 && (*code & STEP_OPTIONAL) == 0) return -1;
    if (result < 0) {
      char description[768];
      describe(description, sizeof description, *step);
      say_message("WARNING", description);
    }
  }
  return plan->bad ? (errno = EINVAL, fail("decode", "the plan")) : 0;
}

static int listen_for_clients(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/supervisor.sock", self.run_directory);
  if (length >= (int)sizeof address.sun_path) return errno = ENAMETOOLONG, fail("bind", self.run_directory);
  strcpy(self.socket_path, address.sun_path);
  unlink(address.sun_path);
  self.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self.listener < 0) return fail("socket", address.sun_path);
  mode_t before = umask(0177);
  int bound = bind(self.listener, (struct sockaddr *)&address, sizeof address);
  umask(before);
  if (bound < 0) return fail("bind", address.sun_path);
  return listen(self.listener, 16) < 0 ? fail("listen", address.sun_path) : 0;
}

static int make_pipe(int *reader, int *writer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail("pipe2", "stdio");
  *reader = ends[0];
  *writer = ends[1];
  return 0;
}

static int open_streams(struct stdio *stdio) {
  *stdio = (struct stdio){-1, -1, -1, self.size.columns, self.size.rows};
  if (self.terminal) return 0;
  if (self.open_stdin && make_pipe(&stdio->in, &self.in) < 0) return -1;
  if (!self.open_stdin && (stdio->in = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) return fail("open", "/dev/null");
  if (make_pipe(&self.out[0], &stdio->out) < 0 || make_pipe(&self.out[1], &stdio->err) < 0) return -1;
  return 0;
}

static int start_child(uint64_t namespaces, struct reader *plan, unsigned *step) {
  struct stdio stdio;
  int channel[2], go[2];
  if (open_streams(&stdio) < 0) return -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) return fail("socketpair", "");
  if (pipe2(go, O_CLOEXEC) < 0) return fail("pipe2", "");
  struct clone_args clone = {.flags = namespaces, .exit_signal = SIGCHLD};
  self.child = (pid_t)syscall(SYS_clone3, &clone, sizeof clone);
  if (self.child < 0) return fail("clone3", "the container's namespaces");
  if (self.child == 0) {
    /* the steps of the child lie behind the host steps that run after the clone */
    uint32_t code;
    struct reader args, rest = *plan;
    unsigned number = *step;
    for (struct reader probe = rest; read_record(&probe, &code, &args) && (code & ~STEP_OPTIONAL) <= HOST_LAST; rest = probe) number++;
    close(channel[0]);
    close(go[1]);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number_of = 1; number_of < NSIG; number_of++) signal(number_of, SIG_DFL);
    run_child(rest, number + 1, &stdio, channel[1], go[0]);
  }
  close(channel[1]);
  close(go[0]);
  close_fd(&stdio.in);
  close_fd(&stdio.out);
  close_fd(&stdio.err);
  uint32_t code = 0;
  struct reader args;
  if (run_host_steps(plan, step, &code, &args) < 0) return -1;
  if (write(go[1], "g", 1) != 1) return fail("write", "the child");
  close(go[1]);
  return channel[0];
}

/* The channel ends when the child's exec closes it. Answers -1 when the child reported a failure, given in `failure`. */
static int hear_child(int channel, struct message *failure) {
  struct message message;
  for (int fd, size; (size = receive_message(channel, &message, &fd)) != 0;) {
    if (size < 0) return fail("recvmsg", "the child");
    if (message.kind == MESSAGE_WARNING) say_message("WARNING", message.text);
    if (message.kind == MESSAGE_TERMINAL && fd >= 0) {
      self.out[0] = fd;
      self.in = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      if (self.in < 0) return fail("fcntl", "the terminal");
    }
    if (message.kind == MESSAGE_FAILURE) {
      *failure = message;
      return -1;
    }
  }
  return 0;
}

static void close_stdin(void) {
  if (!self.terminal) close_fd(&self.in);
}

/* What does not fit waits in the client's socket: its data is read only while the container takes it. */
static void pass_stdin(struct client *client) {
  char data[16 * 1024];
  ssize_t size = recv(client->fd, data, sizeof data, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    bool last = client->wants_stdin && self.stdin_once;
    client->wants_stdin = false;
    if (last) close_stdin();
    /* a half-closed client still wants the output; a dead one is found out by the next write or POLLHUP */
    return;
  }
  for (ssize_t sent = 0; self.in >= 0 && sent < size;) {
    ssize_t written = write(self.in, data + sent, (size_t)(size - sent));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      struct pollfd room = {.fd = self.in, .events = POLLOUT};
      if (poll(&room, 1, 100) == 0 && self.child_ended) return;
      continue;
    }
    if (written < 0) {
      close_stdin();
      return;
    }
    sent += written;
  }
}

static void resize(unsigned columns, unsigned rows) {
  struct winsize window = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  if (self.terminal && self.out[0] >= 0) ioctl(self.out[0], TIOCSWINSZ, &window);
}

static void say_exit(struct client *client) {
  char line[256];
  format_exit(line, sizeof line, self.status, self.oom_killed);
  say(client, line);
}

static void obey(struct client *client, const char *line) {
  unsigned first, second, third;
  if (sscanf(line, "SIGNAL %u", &first) == 1 && first > 0 && first < NSIG) {
    /* the parent may signal without a race: the pid is ours until we reap it */
    if (!self.child_ended) kill(self.child, (int)first);
    say(client, "OK\n");
  } else if (sscanf(line, "RESIZE %u %u", &first, &second) == 2) {
    resize(first, second);
    say(client, "OK\n");
  } else if (strcmp(line, "WAIT") == 0) {
    client->waits = true;
  } else if (strcmp(line, "TAKE-EXIT") == 0) {
    client->takes_exit = client->waits = true;
  } else if (strcmp(line, "RELEASE") == 0) {
    client->takes_exit = client->waits = client->owner = false;
  } else if (sscanf(line, "ATTACH %u %u %u", &first, &second, &third) == 3) {
    client->attached = true;
    client->wants_stdin = first != 0;
    client->wants_stdout = second != 0;
    client->wants_stderr = third != 0;
    say(client, self.terminal ? "RAW\n" : "FRAMED\n");
  } else {
    say(client, "ERROR\tunknown request\n");
  }
}

static void hear_client(struct client *client) {
  if (client->attached) {
    pass_stdin(client);
    return;
  }
  ssize_t size = recv(client->fd, client->line + client->line_used, sizeof client->line - 1 - client->line_used, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    client_drop(client);
    return;
  }
  client->line_used += (size_t)size;
  client->line[client->line_used] = '\0';
  for (char *newline; client->fd >= 0 && !client->attached && (newline = strchr(client->line, '\n')) != NULL;) {
    *newline = '\0';
    obey(client, client->line);
    client->line_used -= (size_t)(newline + 1 - client->line);
    memmove(client->line, newline + 1, client->line_used + 1);
  }
  if (client->line_used == sizeof client->line - 1) client_drop(client);
}

/* The owner makes the container wait when it does not read; anybody else is dropped before it can. */
static bool owner_is_behind(void) {
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    if (client->fd >= 0 && client->attached && client->owner && client_pending(client) > OWNER_BACKLOG) return true;
  }
  return false;
}

static void carry_output(int stream) {
  static char data[64 * 1024];
  int *fd = &self.out[stream - 1];
  ssize_t size = read(*fd, data, sizeof data);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) { /* EIO: the last process of the terminal closed it */
    if (size == 0 || self.child_ended || !self.terminal) close_fd(fd);
    return;
  }
  log_write(&self.log, stream, data, (size_t)size);
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    if (client->fd < 0 || !client->attached) continue;
    if (stream == 1 ? client->wants_stdout : client->wants_stderr)
      client_send_stream(client, stream, data, (size_t)size, self.terminal);
  }
}

static void accept_client(void) {
  int fd = accept4(self.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) client_add(self.clients, fd);
}

static void reap(void) {
  struct signalfd_siginfo info;
  if (read(self.signals, &info, sizeof info) < 0) return;
  int status;
  for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (ended != self.child) continue;
    self.child_ended = true;
    self.status = status;
  }
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static short client_events(const struct client *client) {
  short events = client_pending(client) > 0 ? POLLOUT : 0;
  if (!client->attached || (client->wants_stdin && self.in >= 0)) events |= POLLIN;
  return events;
}

/* Until the container has ended and all it wrote is passed on. */
static void carry_streams(void) {
  for (int64_t deadline = -1;;) {
    struct pollfd fds[4 + MAX_CLIENTS];
    bool held = owner_is_behind();
    fds[0] = (struct pollfd){.fd = self.signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = self.listener, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = held ? -1 : self.out[0], .events = POLLIN};
    fds[3] = (struct pollfd){.fd = held ? -1 : self.out[1], .events = POLLIN};
    for (int i = 0; i < MAX_CLIENTS; i++)
      fds[4 + i] = (struct pollfd){.fd = self.clients[i].fd, .events = client_events(&self.clients[i])};
    if (self.child_ended && deadline < 0) deadline = now_ms() + DRAIN_MS;
    bool drained = self.out[0] < 0 && self.out[1] < 0;
    if (self.child_ended && (drained || (!held && now_ms() > deadline))) return;
    if (poll(fds, 4 + MAX_CLIENTS, self.child_ended ? 100 : -1) < 0 && errno != EINTR) return;
    if (fds[0].revents) reap();
    if (fds[1].revents) accept_client();
    if (fds[2].revents) carry_output(1);
    if (fds[3].revents) carry_output(2);
    for (int i = 0; i < MAX_CLIENTS; i++) {
      struct client *client = &self.clients[i];
      if (client->fd < 0 || client->fd != fds[4 + i].fd) continue;
      if (fds[4 + i].revents & POLLOUT) client_flush(client);
      if (client->fd >= 0 && fds[4 + i].revents & POLLIN) hear_client(client);
      else if (client->fd >= 0 && fds[4 + i].revents & (POLLHUP | POLLERR)) client_drop(client);
    }
  }
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

static bool exit_is_taken(void) {
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    char byte;
    if (client->fd < 0 || !client->takes_exit) continue;
    /* alive until its end of the connection closed */
    if (recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) return true;
  }
  return false;
}

static int finish(void) {
  log_close(&self.log);
  self.oom_killed = was_oom_killed(&self.host);
  int removed = remove_groups(&self.host);
  write_exit_record(self.state_directory, (struct exit_record){.status = exit_status(self.status),
                                                               .signal = WIFSIGNALED(self.status) ? WTERMSIG(self.status) : 0,
                                                               .oom_killed = self.oom_killed});
  bool taken = exit_is_taken();
  for (struct client *client = self.clients; client < self.clients + MAX_CLIENTS; client++) {
    if (client->fd >= 0 && client->waits) say_exit(client);
  }
  flush_clients();
  unlink(self.socket_path);
  await_owners();
  (void)removed; /* what stays is found and removed by the container's destroy */
  if (taken || self.hook_argv == NULL) return 0;
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(self.hook_argv[0], (char *const *)self.hook_argv, (char *const *)self.hook_env);
  return 125;
}

/* SIGCHLD is read from a descriptor; what a terminal or a tidy-up script sends by chance is ignored. */
static int prepare_process(void) {
  sigset_t chld;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  if (sigprocmask(SIG_SETMASK, &chld, NULL) < 0) return fail("sigprocmask", "");
  const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTTOU, SIGTTIN, SIGTSTP};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  setsid();
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return fail("prctl", "PR_SET_CHILD_SUBREAPER");
  self.signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
  return self.signals < 0 ? fail("signalfd", "") : 0;
}

static void adopt_owner(void) {
  for (int i = 0; i < MAX_CLIENTS; i++) self.clients[i].fd = -1;
  fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
  fcntl(ATTACH_FD, F_SETFD, FD_CLOEXEC);
  struct client *connection = client_add(self.clients, CONTROL_FD);
  /* from the start: a container may end before its owner could ask for the exit */
  connection->owner = connection->takes_exit = connection->waits = true;
  connection = client_add(self.clients, ATTACH_FD);
  *connection = (struct client){.fd = ATTACH_FD, .owner = true, .attached = true, .wants_stdin = true, .wants_stdout = true, .wants_stderr = true};
}

int supervise_main(int argc, char **argv) {
  (void)argc;
  if (seal_program(argv) < 0) return 125;
  self = (struct supervisor){.listener = -1, .signals = -1, .in = -1, .out = {-1, -1}, .log = {.fd = -1}};
  adopt_owner();
  size_t size = 0;
  uint8_t *buffer = prepare_process() < 0 ? NULL : read_whole(PLAN_FD, PLAN_LIMIT, &size);
  if (buffer == NULL) return give_up_here(0);
  struct reader plan = {.at = buffer, .end = buffer + size}, args;
  unsigned step = 0;
  uint32_t code = 0;
  if (run_host_steps(&plan, &step, &code, &args) < 0) return give_up_here(step);
  if (code != HOST_CLONE || self.run_directory == NULL || self.state_directory == NULL)
    return errno = EINVAL, fail("decode", "the plan"), give_up_here(step);
  uint64_t namespaces = read_u64(&args);
  if (log_open(&self.log) < 0 || listen_for_clients() < 0) return give_up_here(step);
  cleanup_fd int channel = start_child(namespaces, &plan, &step);
  if (channel < 0) return unlink(self.socket_path), give_up_here(step);
  struct message failure = {.kind = 0};
  if (hear_child(channel, &failure) < 0) {
    unlink(self.socket_path);
    return failure.kind == MESSAGE_FAILURE ? give_up(failure.text) : give_up_here(step);
  }
  close_fd(&channel);
  if (self.in >= 0) fcntl(self.in, F_SETFL, O_NONBLOCK);
  char started[160];
  if (write_pid_record(self.run_directory, self.child, started, sizeof started) < 0) {
    unlink(self.socket_path);
    return give_up_here(step);
  }
  say(control(), started);
  carry_streams();
  return finish();
}
