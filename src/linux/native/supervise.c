/* Parent of one container: starts it, carries its streams, keeps its log, and records its end. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "early.h"
#include "fail.h"
#include "forget.h"
#include "init.h"
#include "kernel.h"
#include "ready.h"
#include "records.h"
#include "resolve-keep.h"
#include "seal.h"
#include "supervisor.h"

#define PLAN_FD 0
#define CONTROL_FD 3
#define ATTACH_FD 4
#define EARLY_FD 5 /* when the word `early` says so */
#define PLAN_LIMIT (16u << 20)

struct supervisor self;

void describe(char *line, size_t size, unsigned step) {
  static const char *const classes[] = {"launch", "not-found", "not-executable"};
  const char *reason = last_failure.reason != NULL ? last_failure.reason : strerror(last_failure.error);
  snprintf(line, size, "%s\t%u\t%s\t%s\t%d\t%s", classes[last_failure.class], step, last_failure.doing, last_failure.object,
           last_failure.error, reason);
}

static void flush_owner(void) {
  struct client *owner = &self.clients[0];
  while (owner->fd >= 0 && client_pending(owner) > 0) {
    struct pollfd writable = {.fd = owner->fd, .events = POLLOUT};
    if (poll(&writable, 1, 1000) <= 0) return;
    client_flush(owner);
  }
}

/* Nothing of the container stays; the exit record tells whoever looks later why it never ran. */
static int give_up(unsigned step) {
  char description[768];
  describe(description, sizeof description, step);
  if (child_failure[0] != '\0') strcpy(description, child_failure);
  resolver_stop();
  stop_helper(&self.host.helper);
  if (self.child > 0) {
    kill(self.child, SIGKILL);
    /* and what an init among its steps has forked: that dies with it, and is ours to bury */
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) continue;
  }
  leave_networks(&self.host);
  remove_groups(&self.host);
  if (self.socket_path[0] != '\0') unlink(self.socket_path);
  int status = strncmp(description, "not-found", 9) == 0 ? 127 : strncmp(description, "not-executable", 14) == 0 ? 126 : 125;
  if (self.state_directory != NULL) {
    struct exit_record record = {.status = status, .error = description, .finished_ns = now_ns()};
    if (write_exit_record(self.state_directory, &record, true) < 0) status = 125; /* the owner is told all the same */
  }
  say_to_owner("FAILED", description);
  flush_owner();
  return status;
}

/* SIGCHLD is read from a descriptor; what a terminal or a tidy-up script sends by chance is ignored. */
static int prepare_process(int last_fd) {
  /* whatever the command had open is none of the container's business */
  if (close_range((unsigned)last_fd + 1, ~0U, 0) < 0) return fail("close_range", "");
  sigset_t chld;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  if (sigprocmask(SIG_SETMASK, &chld, NULL) < 0) return fail("sigprocmask", "");
  const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTTOU, SIGTTIN, SIGTSTP};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  setsid(); /* EPERM: whoever started us has seen to it */
  umask(022);
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
  connection->owner = connection->attached = true;
  connection->wants_stdin = connection->wants_stdout = connection->wants_stderr = true;
}

int supervise_main(int argc, char **argv) {
  /* one by one: all else is zero, and stays out of memory until it is written */
  self.listener = self.signals = self.in = self.out[0] = self.out[1] = self.terminal_peer = -1;
  self.log.fd = self.log.journal.fd = self.host.target = self.host.helper.line = -1;
  int sealed = seal_program(argv); /* runs this again: the connections must not be closed by that */
  adopt_owner();
  if (sealed < 0) return give_up(0);
  keep_title(argc, argv);
  size_t size = 0;
  bool early = argc > 3 && strncmp(argv[3], "early", 5) == 0;
  int prepared = prepare_process(early ? EARLY_FD : ATTACH_FD);
  if (prepared == 0 && early) early_start(EARLY_FD, strcmp(argv[3], "early-stdin") == 0);
  if (prepared == 0) wait_and_keep_ready(PLAN_FD);
  self.plan = prepared < 0 ? NULL : read_whole(PLAN_FD, PLAN_LIMIT, &size);
  if (self.plan == NULL) return give_up(0);
  struct reader plan = {.at = self.plan, .end = self.plan + size};
  unsigned step = 0;
  uint64_t namespaces = 0;
  char started[160];
  if (take_plan(&plan, &step, &namespaces) < 0) return give_up(step);
  if (argc > 2) snprintf(argv[2], strlen(argv[2]) + 1, "%s", self.run_directory); /* for people who look at processes */
  if (log_open(&self.log) < 0 || listen_for_clients() < 0) return give_up(step);
  if (start_container(&plan, namespaces, &step) < 0) return give_up(step);
  if (write_pid_record(self.run_directory, self.child, started, sizeof started) < 0) return give_up(step);
  say(&self.clients[0], started);
  malloc_trim(0);
  forget_code(); /* starting a container took most of this program, carrying for it takes less */
  probe_arm(&self.probe, self.first_probe);
  deadline_arm(&self.deadline);
  carry_streams();
  return end_supervision();
}
