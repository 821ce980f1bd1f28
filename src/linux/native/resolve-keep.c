#include "resolve-keep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fail.h"
#include "kernel.h"
#include "resolve-enter.h"
#include "resolve-feed.h"
#include "resolve-sets.h"
#include "resolve-tried.h"
#include "resolve.h"
#include "supervisor.h"

#define READY_MS 10000
#define FIRST_PAUSE_MS 100
#define LAST_PAUSE_MS 60000
#define STEADY_MS 60000 /* who has lived so long gets the first pause again */

/* The sockets stay open here: whoever comes next goes on with them, and nobody else in the container can take the port. */
static struct {
  bool planned, filter;
  const char *directory_path, *names_path;
  pid_t child, pid;
  int channel, sockets[SOCKET_COUNT], directory, names;
  int64_t started, due, pause;
} resolver = {.channel = -1, .sockets = {-1, -1, -1, -1}, .directory = -1, .names = -1};

static int open_directory(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? fail("open", path) : fd;
}

/* Each number may be another one's place: all are moved out of the way first. */
static int arrange(int channel) {
  const int from[] = {resolver.sockets[SOCKET_UDP], resolver.sockets[SOCKET_TCP], channel, resolver.directory, resolver.names};
  enum { COUNT = sizeof from / sizeof *from };
  int high[COUNT], null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i < COUNT; i++) {
    if ((high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, RESOLVE_LAST + 1)) < 0) return fail("fcntl", "the responder");
  }
  for (int fd = 0; fd < RESOLVE_UDP; fd++) {
    if (dup2(null, fd) < 0) return fail("dup2", "/dev/null");
  }
  for (int i = 0; i < COUNT; i++) {
    if (dup2(high[i], RESOLVE_UDP + i) < 0) return fail("dup2", "the responder");
  }
  return close_range(RESOLVE_LAST + 1, ~0U, 0) < 0 ? fail("close_range", "") : 0;
}

/* By exec: what the supervisor knows, the container's environment among it, is none of the responder's business. */
static _Noreturn void be_resolver(int channel, pid_t parent) {
  char number[16];
  snprintf(number, sizeof number, "%d", parent);
  const char *argv[] = {"/proc/self/exe", "resolve", number, resolver.filter ? "filter" : "open", NULL};
  extern char **environ;
  if (arrange(channel) == 0) become(argv, (const char **)environ);
  _exit(127);
}

static int start(void) {
  int ends[2];
  close_fd(&resolver.channel);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return fail("socketpair", "");
  cleanup_fd int theirs = ends[1];
  resolver.channel = ends[0];
  pid_t parent = getpid();
  resolver.pid = fork();
  if (resolver.pid == 0) be_resolver(theirs, parent);
  if (resolver.pid < 0) return fail("fork", "the responder");
  resolver.started = now_ms();
  return 0;
}

static int await_ready(const char *directory) {
  static char reason[256];
  struct tell tell;
  struct pollfd channel = {.fd = resolver.channel, .events = POLLIN};
  int64_t deadline = now_ms() + READY_MS;
  while (now_ms() < deadline) {
    if (poll(&channel, 1, (int)(deadline - now_ms())) <= 0) continue;
    ssize_t size = recv(resolver.channel, &tell, sizeof tell, MSG_DONTWAIT);
    if (size == (ssize_t)sizeof tell && tell.kind == TELL_READY) return 0;
    errno = 0;
    if (size != (ssize_t)sizeof tell || tell.kind != TELL_FAILURE)
      return fail_because("start the responder of", directory, "it ended at once");
    snprintf(reason, sizeof reason, "%.*s", tell.count, tell.text);
    return fail_because("start the responder of", directory, reason);
  }
  return errno = ETIMEDOUT, fail("start the responder of", directory);
}

int resolver_begin(unsigned port) {
  if (port == 0 || port > 65535 || resolver.directory_path == NULL || resolver.planned) return errno = EINVAL, fail("start", "a responder");
  resolver.planned = true;
  resolver.pause = FIRST_PAUSE_MS;
  if ((resolver.directory = open_directory(resolver.directory_path)) < 0) return -1;
  if ((resolver.names = open_directory(resolver.names_path)) < 0) return -1;
  if (open_sockets_of(resolver.child, (uint16_t)port, resolver.sockets, resolver.filter ? SOCKET_COUNT : SOCKET_SETS) < 0) return -1;
  if (resolver.filter && listen_to_log(resolver.sockets[SOCKET_LOG]) < 0) return -1;
  return start() < 0 ? -1 : await_ready(resolver.directory_path);
}

int step_resolver(struct reader *args, pid_t child) {
  resolver.directory_path = read_string(args);
  uint32_t port = read_u32(args);
  resolver.names_path = read_string(args);
  resolver.filter = read_u32(args) != 0;
  resolver.child = child;
  if (args->bad || port > 65535 || resolver.planned) return errno = EINVAL, fail("decode", "resolver");
  return port == 0 ? 0 : resolver_begin(port);
}

static void acknowledge(const struct tell *tell) {
  struct acknowledgement acknowledgement = {.serial = tell->serial};
  acknowledgement.done = open_sets(resolver.sockets[SOCKET_SETS], tell->feeds, tell->count) == 0;
  /* one that does not get it asks again, or is dead */
  (void)send(resolver.channel, &acknowledgement, sizeof acknowledgement, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void hear_resolver(void) {
  struct tell tell;
  ssize_t size = recv(resolver.channel, &tell, sizeof tell, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size != (ssize_t)sizeof tell) { /* its end, or nonsense: it is not spoken to any more */
    if (resolver.pid > 0) kill(resolver.pid, SIGKILL);
    close_fd(&resolver.channel);
    return;
  }
  if (!resolver.filter) return;
  if (tell.kind == TELL_ADDRESSES) acknowledge(&tell);
  if (tell.kind == TELL_REFUSED) note_name(resolver.directory, tell.text, tell.count);
}

void resolver_watch(struct pollfd fds[RESOLVER_FDS]) {
  fds[RESOLVER_CHANNEL] = (struct pollfd){.fd = resolver.channel, .events = POLLIN};
  fds[RESOLVER_LOG] = (struct pollfd){.fd = resolver.sockets[SOCKET_LOG], .events = POLLIN};
}

void resolver_serve(const struct pollfd fds[RESOLVER_FDS]) {
  if (fds[RESOLVER_CHANNEL].revents != 0) hear_resolver();
  if (fds[RESOLVER_LOG].revents != 0) note_connections(resolver.directory, resolver.sockets[SOCKET_LOG]);
  if (!resolver.planned || resolver.pid > 0 || now_ms() < resolver.due) return;
  if (start() < 0) resolver_ended(resolver.pid = 0);
}

int resolver_timeout(void) {
  if (!resolver.planned || resolver.pid > 0) return -1;
  int64_t wait = resolver.due - now_ms();
  return wait < 0 ? 0 : (int)wait;
}

/* It should not: whatever in a packet made it die may come again at once, so each time the pause gets longer. */
void resolver_ended(pid_t pid) {
  if (!resolver.planned || pid != resolver.pid) return;
  resolver.pid = 0;
  if (now_ms() - resolver.started > STEADY_MS) resolver.pause = FIRST_PAUSE_MS;
  resolver.due = now_ms() + resolver.pause;
  resolver.pause = resolver.pause * 2 > LAST_PAUSE_MS ? LAST_PAUSE_MS : resolver.pause * 2;
}

void resolver_stop(void) {
  resolver.planned = false;
  if (resolver.pid > 0) {
    kill(resolver.pid, SIGKILL);
    while (waitpid(resolver.pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  resolver.pid = 0;
  close_fd(&resolver.channel);
  close_fd(&resolver.directory);
  close_fd(&resolver.names);
  for (int i = 0; i < SOCKET_COUNT; i++) close_fd(&resolver.sockets[i]);
}
