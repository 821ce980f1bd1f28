#include "resolve-enter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "fail.h"
#include "identity.h"
#include "kernel.h"

#define PATIENCE_MS 10000
#define ADDRESS 0x7f00000b /* 127.0.0.11, where docker's answers too */
#define BACKLOG 16

static int64_t clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool has_own_users(pid_t child) {
  char path[64];
  struct stat ours, theirs;
  snprintf(path, sizeof path, "/proc/%d/ns/user", child);
  return stat("/proc/self/ns/user", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino != theirs.st_ino;
}

static int enter_network_of(pid_t child) {
  cleanup_fd int process = sys_pidfd_open(child);
  if (process < 0) return fail("pidfd_open", "the container");
  /* its user namespace first, where it has one: that owns the network namespace */
  if (setns(process, (has_own_users(child) ? CLONE_NEWUSER : 0) | CLONE_NEWNET) < 0) return fail("setns", "the container's network");
  return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? fail("prctl", "PR_SET_PDEATHSIG") : 0;
}

/* Who is not root in a user namespace would lose the right to change rules by exec. */
static int keep_right_over_network(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return fail("capget", "");
  data[0].inheritable |= 1u << CAP_NET_ADMIN;
  if (syscall(SYS_capset, &header, data) < 0) return fail("capset", "");
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0 ? fail("prctl", "PR_CAP_AMBIENT_RAISE") : 0;
}

static _Noreturn void be_nft(const char *program, int rules, int errors, pid_t child) {
  char *argv[] = {(char *)program, "-f", "-", NULL}, *env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  if (enter_network_of(child) == 0 && keep_right_over_network() == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0) {
    if (dup2(rules, 0) == 0 && dup2(errors, 1) == 1 && dup2(errors, 2) == 2) execve(program, argv, env);
    fail("exec", program);
  }
  dprintf(errors, "%s %s: %s\n", last_failure.doing, last_failure.object, strerror(last_failure.error));
  _exit(127);
}

/* The first line of what comes; true when the other end closed in time. */
static bool hear_errors(int fd, char *line, size_t size) {
  char chunk[512];
  size_t used = 0;
  for (int64_t deadline = clock_ms() + PATIENCE_MS;;) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int64_t wait = deadline - clock_ms();
    if (wait <= 0) return false;
    if (poll(&ready, 1, (int)wait) <= 0) continue;
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (ssize_t i = 0; i < got && used < size - 1; i++) line[used++] = chunk[i];
  }
  line[used] = '\0';
  line[strcspn(line, "\n")] = '\0';
  for (char *c = line; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ') *c = ' ';
  }
  return true;
}

static int bury(pid_t helper) {
  int status = 0;
  while (waitpid(helper, &status, 0) < 0) {
    if (errno != EINTR) return fail("waitpid", "a helper");
  }
  return status;
}

int step_net_rules(struct reader *args, pid_t child) {
  static char complaint[256]; /* what the failure says is read after we return */
  const char *program = read_string(args), *text = read_string(args);
  int ends[2];
  size_t size = strlen(text);
  if (args->bad || program[0] != '/') return errno = EINVAL, fail("decode", "net-rules");
  cleanup_fd int rules = memfd_create("rules", MFD_CLOEXEC);
  if (rules < 0 || write(rules, text, size) != (ssize_t)size || lseek(rules, 0, SEEK_SET) != 0) return fail("write", "the rules");
  if (pipe2(ends, O_CLOEXEC) < 0) return fail("pipe2", "");
  cleanup_fd int errors = ends[0], their_end = ends[1];
  pid_t helper = fork();
  if (helper < 0) return fail("fork", program);
  if (helper == 0) be_nft(program, rules, their_end, child);
  close_fd(&their_end);
  bool ended = hear_errors(errors, complaint, sizeof complaint);
  if (!ended) kill(helper, SIGKILL);
  int status = bury(helper);
  if (status == 0) return 0;
  if (status < 0) return -1;
  errno = 0;
  const char *reason = !ended ? "it did not end" : complaint[0] == '\0' ? "it failed" : complaint;
  return fail_because("set the container's rules with", program, reason);
}

static int open_bound(int type, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(ADDRESS)}};
  cleanup_fd int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail("socket", "127.0.0.11");
  if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) return fail("bind", "127.0.0.11");
  if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0) return fail("listen", "127.0.0.11");
  return steal_fd(&fd);
}

static int open_one(unsigned which, uint16_t port) {
  if (which == SOCKET_UDP) return open_bound(SOCK_DGRAM, port);
  if (which == SOCKET_TCP) return open_bound(SOCK_STREAM, port);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (which == SOCKET_LOG ? SOCK_NONBLOCK : 0), NETLINK_NETFILTER);
  return fd < 0 ? fail("socket", "netlink") : fd;
}

/* Over the channel go the sockets, or why there are none: a copy of this program reads it, so pointers into it hold. */
struct parcel {
  bool failed;
  struct failure failure;
};

static _Noreturn void send_sockets(int channel, pid_t child, uint16_t port, unsigned count) {
  struct parcel parcel = {0};
  int sockets[SOCKET_COUNT];
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof sockets)];
  } control = {0};
  parcel.failed = enter_network_of(child) < 0 || step_loopback_up() < 0; /* without it 127.0.0.11 is nobody's */
  for (unsigned i = 0; i < count && !parcel.failed; i++) parcel.failed = (sockets[i] = open_one(i, port)) < 0;
  parcel.failure = last_failure;
  struct iovec data = {&parcel, sizeof parcel};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
  if (!parcel.failed) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(count * sizeof *sockets);
    control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    control.head.cmsg_len = CMSG_LEN(count * sizeof *sockets);
    memcpy(CMSG_DATA(&control.head), sockets, count * sizeof *sockets);
  }
  _exit(sendmsg(channel, &message, MSG_NOSIGNAL) < 0 ? 1 : 0);
}

static int receive_sockets(int channel, int *sockets, unsigned count) {
  struct parcel parcel;
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(SOCKET_COUNT * sizeof *sockets)];
  } control;
  struct iovec data = {&parcel, sizeof parcel};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct pollfd ready = {.fd = channel, .events = POLLIN};
  if (poll(&ready, 1, PATIENCE_MS) <= 0) return errno = ETIMEDOUT, fail("open", "the responder's sockets");
  if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof parcel)
    return errno = EPROTO, fail("open", "the responder's sockets");
  if (parcel.failed) {
    last_failure = parcel.failure;
    return -1;
  }
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (head == NULL || head->cmsg_len != CMSG_LEN(count * sizeof *sockets))
    return errno = EPROTO, fail("recvmsg", "the responder's sockets");
  memcpy(sockets, CMSG_DATA(head), count * sizeof *sockets);
  return 0;
}

int open_sockets_of(pid_t child, uint16_t port, int *sockets, unsigned count) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return fail("socketpair", "");
  cleanup_fd int ours = ends[0], theirs = ends[1];
  pid_t helper = fork();
  if (helper < 0) return fail("fork", "the responder's sockets");
  if (helper == 0) send_sockets(theirs, child, port, count);
  close_fd(&theirs);
  int result = receive_sockets(ours, sockets, count);
  if (result < 0) kill(helper, SIGKILL);
  return bury(helper) < 0 ? -1 : result;
}
