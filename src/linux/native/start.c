/* From a plan to a running program: options, host steps, the clone, and what the child tells until its exec. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "early.h"
#include "fail.h"
#include "kernel.h"
#include "supervisor.h"

char child_failure[768];

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
    case OPTION_PROBE:
      self.first_probe = read_u64(args);
      self.probe.interval = read_u64(args);
      self.probe.start_interval = read_u64(args);
      free(self.probe.argv);
      free(self.probe.env);
      self.probe.argv = read_strings(args);
      self.probe.env = read_strings(args);
      return self.probe.argv != NULL && self.probe.env != NULL && self.probe.argv[0] != NULL;
    case OPTION_DEADLINE:
      self.deadline.limit = read_u64(args);
      self.deadline.grace = read_u64(args);
      self.deadline.signal = read_u32(args);
      return self.deadline.signal > 0 && self.deadline.signal < NSIG;
    case OPTION_JOURNAL:
      self.log.journal.socket = read_string(args);
      self.log.journal.fields = read_string(args);
      return true;
    case OPTION_TIED: self.tied = read_u32(args) != 0; return true;
    case OPTION_HOOK:
      free(self.hook_argv);
      free(self.hook_env);
      self.hook_argv = read_strings(args);
      self.hook_env = read_strings(args);
      return self.hook_argv != NULL && self.hook_env != NULL && self.hook_argv[0] != NULL;
    case OPTION_EARLY: self.early = read_bytes(args); return true;
    case OPTION_LATE: self.late = read_bytes(args); return true;
    default: return false;
  }
}

static int run_one(uint32_t code, struct reader *args, unsigned step, pid_t child) {
  int result = run_host_step(&self.host, code & ~STEP_OPTIONAL, args, child);
  if (result == 0 && args->bad) return errno = EINVAL, fail("decode", "the plan");
  if (result == 0 || (code & STEP_OPTIONAL) == 0) return result;
  char description[768];
  describe(description, sizeof description, step);
  say_to_owner("WARNING", description);
  return 0;
}

int take_plan(struct reader *plan, unsigned *step, uint64_t *namespaces) {
  uint32_t code;
  struct reader args;
  while (read_record(plan, &code, &args)) {
    if (code == HOST_CLONE) {
      *namespaces = read_u64(&args);
      if ((*namespaces & ~(uint64_t)ALL_NAMESPACES) != 0) return fail_because("decode", "the plan", "there is no such namespace");
      bool whole = !args.bad && self.run_directory != NULL && self.state_directory != NULL;
      return whole ? 0 : fail_because("decode", "the plan", "it lacks its options");
    }
    if (code <= OPTION_LAST) {
      if (!read_option(code, &args) || args.bad) return errno = EINVAL, fail("decode", "the options");
    } else {
      ++*step;
      if (run_one(code, &args, *step, self.child) < 0) return -1;
    }
  }
  return fail_because("decode", "the plan", "it breaks off");
}

static bool is_host_step(const struct reader *plan) {
  struct reader probe = *plan, args;
  uint32_t code;
  return read_record(&probe, &code, &args) && (code & ~STEP_OPTIONAL) <= HOST_LAST;
}

static int run_later_host_steps(struct reader *plan, unsigned *step) {
  uint32_t code;
  struct reader args;
  while (is_host_step(plan) && read_record(plan, &code, &args)) {
    ++*step;
    if (run_one(code, &args, *step, self.child) < 0) return -1;
  }
  return 0;
}

static int make_pipe(int *reader, int *writer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail("pipe2", "stdio");
  *reader = ends[0];
  *writer = ends[1];
  return 0;
}

int open_streams(struct stdio *stdio) {
  *stdio = (struct stdio){-1, -1, -1, self.size.columns, self.size.rows};
  if (self.terminal) return 0;
  if (self.open_stdin && make_pipe(&stdio->in, &self.in) < 0) return -1;
  if (!self.open_stdin && (stdio->in = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) return fail("open", "/dev/null");
  if (make_pipe(&self.out[0], &stdio->out) < 0 || make_pipe(&self.out[1], &stdio->err) < 0) return -1;
  return 0;
}

static _Noreturn void be_child(struct reader steps, unsigned step, const struct stdio *stdio, const struct parent *parent) {
  uint32_t code;
  struct reader args;
  for (; is_host_step(&steps); step++) read_record(&steps, &code, &args); /* those are the parent's */
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  run_child(steps, step + 1, stdio, parent);
}

pid_t clone_child(const struct birth *birth, struct ends *ends) {
  int channel_ends[2], go_ends[2], gate_ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel_ends) < 0) return fail("socketpair", "");
  cleanup_fd int channel = channel_ends[0], child_channel = channel_ends[1];
  if (pipe2(go_ends, O_CLOEXEC) < 0) return fail("pipe2", "");
  cleanup_fd int child_go = go_ends[0], go = go_ends[1];
  if (birth->gated && pipe2(gate_ends, O_CLOEXEC) < 0) return fail("pipe2", "");
  cleanup_fd int child_gate = gate_ends[0], gate = gate_ends[1];
  int yes = 1;
  if (setsockopt(channel, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0) return fail("setsockopt", "SO_PASSCRED");
  struct clone_args clone = {.flags = birth->namespaces, .exit_signal = SIGCHLD};
  pid_t child = (pid_t)syscall(SYS_clone3, &clone, sizeof clone);
  if (child < 0) return fail("clone3", "the container's namespaces");
  if (child == 0) {
    close_fd(&channel);
    close_fd(&go);
    close_fd(&gate);
    be_child(birth->steps, birth->step, birth->stdio, &(struct parent){child_channel, child_go, birth->target, child_gate});
  }
  *ends = (struct ends){steal_fd(&channel), steal_fd(&go), steal_fd(&gate)};
  return child;
}

static bool owner_is_gone(void) {
  struct pollfd owner = {.fd = self.clients[0].fd};
  return self.clients[0].fd < 0 || (poll(&owner, 1, 0) == 1 && (owner.revents & (POLLHUP | POLLERR)) != 0);
}

static int deserted(void) { return fail_because("start", "", "the command that started it ended meanwhile"); }

static int take_message(const struct message *message, const struct enclosed *enclosed, pid_t *program) {
  int fd = enclosed->fd;
  switch ((enum message_kind)message->kind) {
    case MESSAGE_WARNING: say_to_owner("WARNING", message->text); return 0;
    case MESSAGE_EXEC: *program = enclosed->sender; return 0;
    case MESSAGE_FAILURE: return snprintf(child_failure, sizeof child_failure, "%s", message->text), -1;
    case MESSAGE_TERMINAL:
      close_fd(&self.out[0]);
      self.out[0] = fd;
      self.in = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      self.terminal_peer = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
      return self.in < 0 || self.terminal_peer < 0 ? fail("open", "the terminal") : 0;
  }
  return fail_because("recvmsg", "the child", "it speaks nonsense");
}

static int killed_early(void) {
  return fail_because("start", "", was_oom_killed(&self.host) ? "the memory limit is too small to start anything"
                                                              : "its first process was killed before the program ran");
}

pid_t hear_child(int channel) {
  for (pid_t program = 0;;) {
    struct message message;
    struct pollfd fds[] = {{.fd = channel, .events = POLLIN}, {.fd = self.clients[0].fd}};
    if (poll(fds, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return fail("poll", "the child");
    }
    if (fds[0].revents == 0) return deserted();
    struct enclosed enclosed;
    int size = receive_message(channel, &message, &enclosed);
    if (size < 0) return fail("recvmsg", "the child");
    if (size == 0) return program > 0 ? program : killed_early();
    if (take_message(&message, &enclosed, &program) < 0) return -1;
  }
}

static int start_anew(struct reader *plan, uint64_t namespaces, unsigned *step) {
  struct stdio stdio;
  struct ends ends;
  if (open_streams(&stdio) < 0) return -1;
  cleanup_fd int in = stdio.in, out = stdio.out, err = stdio.err;
  struct birth birth = {.steps = *plan, .step = *step, .namespaces = namespaces, .stdio = &stdio, .target = self.host.target};
  self.child = clone_child(&birth, &ends);
  if (self.child < 0) return -1;
  cleanup_fd int channel = ends.channel, go = ends.go;
  if (return_to_own_pid_namespace(&self.host) < 0) return -1;
  close_fd(&self.host.target);
  close_fd(&in);
  close_fd(&out);
  close_fd(&err);
  if (run_later_host_steps(plan, step) < 0) return -1;
  if (owner_is_gone()) return deserted();
  if (write(go, "g", 1) != 1) return killed_early();
  close_fd(&go);
  return hear_child(channel) < 0 ? -1 : 0;
}

/* The first of the later host steps: those that put a process somewhere, here both the child and the program that it has forked. */
static int place_early(struct reader *plan, unsigned *step, pid_t program) {
  for (struct reader next = *plan; is_host_step(&next); *plan = next) {
    uint32_t code = 0;
    struct reader args, again;
    read_record(&next, &code, &args);
    uint32_t kind = code & ~STEP_OPTIONAL;
    if (kind != HOST_JOIN_CGROUP && kind != HOST_OOM_SCORE) return 0;
    again = args;
    ++*step;
    if (run_one(code, &args, *step, self.child) < 0 || run_one(code, &again, *step, program) < 0) return -1;
  }
  return 0;
}

/*
 * Until the gate opens only what waits has changed: should it have died, or lack a place for what it is lent, then it is done without.
 * Host steps that put it somewhere put the next one there, too.
 */
static bool start_early(struct reader *plan, unsigned *step) {
  struct reader later = *plan;
  unsigned steps = *step;
  pid_t program = early_program();
  bool started = program > 0 && early_lend(self.late) == 0 && place_early(&later, &steps, program) == 0 &&
                 run_later_host_steps(&later, &steps) == 0 && !owner_is_gone() && early_open_gate() == 0;
  child_failure[0] = '\0'; /* nobody's: the same failure comes again, or does not */
  if (started) *plan = later, *step = steps;
  else early_discard();
  return started;
}

int start_container(struct reader *plan, uint64_t namespaces, unsigned *step) {
  if (!start_early(plan, step) && start_anew(plan, namespaces, step) < 0) return -1;
  if (self.in >= 0 && fcntl(self.in, F_SETFL, O_NONBLOCK) < 0) return fail("fcntl", "stdin");
  return 0;
}
