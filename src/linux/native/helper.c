#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fail.h"
#include "kernel.h"
#include "launch.h"
#include "records.h"

#define READY_MS 20000
#define ANSWER_MS 5000
#define PLACEHOLDER "{pid}"

struct call {
  const char *program, **argv, *directory, *socket, **requests;
  uint32_t ready; /* the descriptor by which it tells that it is ready: 1 or 3 */
};

struct ends {
  int network;                     /* the container's network namespace: descriptor 0 of the program */
  int ready, tells_ready;          /* two ends of a pipe, as are the next ones */
  int complaints, tells_complaint; /* the program's stderr */
};

static void close_ends(struct ends *ends) {
  close_fd(&ends->network);
  close_fd(&ends->ready);
  close_fd(&ends->tells_ready);
  close_fd(&ends->complaints);
  close_fd(&ends->tells_complaint);
}

static int open_pipe(int *reader, int *writer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail("pipe2", "");
  *reader = ends[0];
  *writer = ends[1];
  return 0;
}

static void usual_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* dup2 leaves a descriptor that is there already to be closed by exec. */
static int place(int fd, int at) { return fd == at ? fcntl(fd, F_SETFD, 0) : dup2(fd, at); }

static void put_pid(const char **argv, pid_t child) {
  for (const char **word = argv; *word != NULL; word++) {
    const char *at = strstr(*word, PLACEHOLDER);
    char *filled;
    if (at == NULL) continue;
    if (asprintf(&filled, "%.*s%d%s", (int)(at - *word), *word, child, at + strlen(PLACEHOLDER)) < 0) _exit(125);
    *word = filled;
  }
}

static _Noreturn void become_program(const struct call *call, const struct ends *ends, pid_t child) {
  char *env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
  usual_signals();
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* until it changes its user namespace: pasta does, slirp4netns does not */
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (place(ends->tells_complaint, 2) < 0) _exit(125);
  if (place(ends->network, 0) < 0 || place(null, 1) < 0 || place(ends->tells_ready, (int)call->ready) < 0) {
    perror("dup2");
    _exit(125);
  }
  put_pid(call->argv, child);
  close_range(call->ready < 3 ? 3 : call->ready + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(call->program, (char *const *)call->argv, env);
  perror("exec");
  _exit(127);
}

/* Drops what the program complains of from now on; a full pipe would stop it. */
static void drain(int fd) {
  char ignored[1024];
  while (read(fd, ignored, sizeof ignored) == (ssize_t)sizeof ignored) continue;
}

/* Holds nothing of the supervisor's but its end of the line, so that whoever waits for the end of another one is not misled. */
static _Noreturn void keep(int line, int complaints, int program) {
  int own[] = {fcntl(line, F_DUPFD_CLOEXEC, 16), fcntl(complaints, F_DUPFD_CLOEXEC, 16), fcntl(program, F_DUPFD_CLOEXEC, 16)};
  if (own[0] < 0 || own[1] < 0 || own[2] < 0) _exit(125);
  if (dup2(own[0], 3) < 0 || dup2(own[1], 4) < 0 || dup2(own[2], 5) < 0) _exit(125);
  close_range(6, ~0U, 0);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0) _exit(125);
  usual_signals();
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  prctl(PR_SET_NAME, "network-keeper");
  fcntl(4, F_SETFL, O_NONBLOCK);
  for (struct pollfd fds[] = {{.fd = 3, .events = POLLIN}, {.fd = -1, .events = POLLIN}};;) {
    char word;
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0 && read(3, &word, 1) != 1) break;
    if ((fds[1].revents & POLLIN) != 0) drain(4);
    else if (fds[1].revents != 0) fds[1].fd = -1; /* closed by the program, which may well go on */
    else if (fds[0].revents != 0) fds[1].fd = 4;  /* until now the supervisor read the complaints */
  }
  syscall(SYS_pidfd_send_signal, 5, SIGKILL, NULL, 0);
  _exit(0);
}

static int start_keeper(struct helper *helper, const struct ends *ends) {
  int line[2];
  cleanup_fd int program = sys_pidfd_open(helper->program);
  if (program < 0) return fail("pidfd_open", "the network helper");
  if (pipe2(line, O_CLOEXEC) < 0) return fail("pipe2", "");
  helper->line = line[1];
  cleanup_fd int end = line[0];
  helper->keeper = fork();
  if (helper->keeper < 0) return helper->keeper = 0, fail("fork", "the keeper of the network helper");
  if (helper->keeper == 0) keep(end, ends->complaints, program);
  return 0;
}

/* What does not keep a program from starting: a host without syslog, features under trial. */
static bool is_chatter(const char *line) { return strncmp(line, "Failed to send ", 15) == 0 || strncmp(line, "WARNING: ", 9) == 0; }

/* The first line of weight that it wrote to stderr. */
static const char *last_words(int fd, const char *otherwise) {
  static char text[4096];
  fcntl(fd, F_SETFL, O_NONBLOCK);
  ssize_t size = read(fd, text, sizeof text - 1);
  text[size > 0 ? size : 0] = '\0';
  char *rest = text;
  for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
    if (*line == '\0' || is_chatter(line)) continue;
    if (strlen(line) > 300) line[300] = '\0';
    for (char *c = line; *c != '\0'; c++) {
      if ((unsigned char)*c < ' ') *c = '?';
    }
    return line;
  }
  return otherwise;
}

static int await_ready(const struct call *call, const struct ends *ends) {
  struct pollfd ready = {.fd = ends->ready, .events = POLLIN};
  char word;
  int count;
  while ((count = poll(&ready, 1, READY_MS)) < 0 && errno == EINTR) continue;
  if (count < 0) return fail("poll", call->program);
  if (count == 0) return errno = 0, fail_because("start", call->program, last_words(ends->complaints, "it does not get ready"));
  if (read(ends->ready, &word, 1) == 1) return 0;
  return errno = 0, fail_because("start", call->program, last_words(ends->complaints, "it ended at once"));
}

/* One connection for each request: the answer ends with it. */
static int ask(const char *path, const char *request, const char *object) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
  char answer[1024];
  size_t used = 0;
  if (strlen(path) >= sizeof address.sun_path) return errno = ENAMETOOLONG, fail("connect", path);
  strcpy(address.sun_path, path);
  cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail("socket", path);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) return fail("setsockopt", path);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return fail("connect", path);
  if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) return fail("send", path);
  if (shutdown(fd, SHUT_WR) < 0) return fail("shutdown", path);
  for (ssize_t got; used < sizeof answer - 1 && (got = recv(fd, answer + used, sizeof answer - 1 - used, 0)) > 0;) used += (size_t)got;
  answer[used] = '\0';
  bool done = strstr(answer, "\"return\"") != NULL && strstr(answer, "\"error\"") == NULL;
  return done ? 0 : (errno = EADDRINUSE, fail_because("bind", object, "the host refuses that port, or somebody else has it"));
}

static int ask_all(const struct call *call) {
  for (const char **request = call->requests; request[0] != NULL && request[1] != NULL; request += 2) {
    if (ask(call->socket, request[1], request[0]) < 0) return -1;
  }
  return 0;
}

static int start_program(struct helper *helper, const struct call *call, pid_t child) {
  char path[64];
  struct ends ends __attribute__((cleanup(close_ends))) = {-1, -1, -1, -1, -1};
  snprintf(path, sizeof path, "/proc/%d/ns/net", child);
  ends.network = open(path, O_RDONLY | O_CLOEXEC);
  if (ends.network < 0) return fail("open", path);
  if (open_pipe(&ends.ready, &ends.tells_ready) < 0 || open_pipe(&ends.complaints, &ends.tells_complaint) < 0) return -1;
  helper->program = fork();
  if (helper->program < 0) return helper->program = 0, fail("fork", call->program);
  if (helper->program == 0) become_program(call, &ends, child);
  close_fd(&ends.tells_ready);
  close_fd(&ends.tells_complaint);
  if (start_keeper(helper, &ends) < 0 || write_helper_record(call->directory, helper->program) < 0) return -1;
  if (await_ready(call, &ends) < 0) return -1;
  return write(helper->line, "s", 1) == 1 ? 0 : fail("write", "the keeper of the network helper");
}

int step_helper(struct helper *helper, struct reader *args, pid_t child) {
  struct call call = {.program = read_string(args)};
  cleanup_free const char **argv = read_strings(args);
  call.ready = read_u32(args);
  call.directory = read_string(args);
  call.socket = read_string(args);
  cleanup_free const char **requests = read_strings(args);
  call.argv = argv;
  call.requests = requests;
  bool known = call.ready == 1 || call.ready == 3;
  if (args->bad || argv == NULL || argv[0] == NULL || requests == NULL || !known || helper->program > 0 || child <= 0)
    return errno = EINVAL, fail("decode", "network-helper");
  return start_program(helper, &call, child) < 0 ? -1 : ask_all(&call);
}

void helper_ended(struct helper *helper, pid_t pid) {
  if (pid <= 0 || (pid != helper->program && pid != helper->keeper)) return;
  if (pid == helper->program) helper->program = 0;
  else helper->keeper = 0;
  if (helper->program > 0) kill(helper->program, SIGKILL);
  if (helper->keeper > 0) close_fd(&helper->line);
}

void stop_helper(struct helper *helper) {
  if (helper->program > 0) {
    kill(helper->program, SIGKILL);
    while (waitpid(helper->program, NULL, 0) < 0 && errno == EINTR) continue;
  }
  if (helper->keeper > 0) {
    close_fd(&helper->line);
    while (waitpid(helper->keeper, NULL, 0) < 0 && errno == EINTR) continue;
  }
  helper->program = helper->keeper = 0;
}
