#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fail.h"
#include "kernel.h"
#include "launch.h"
#include "root.h"

static int send_terminal(int channel, int master) {
  struct message message = {.kind = MESSAGE_TERMINAL};
  struct iovec part = {.iov_base = &message, .iov_len = sizeof message};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &master, sizeof master);
  return sendmsg(channel, &header, MSG_NOSIGNAL) < 0 ? fail("sendmsg", "the terminal") : 0;
}

int receive_message(int channel, struct message *message, struct enclosed *enclosed) {
  struct iovec part = {.iov_base = message, .iov_len = sizeof *message};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
  } control;
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *enclosed = (struct enclosed){.fd = -1};
  ssize_t size;
  while ((size = recvmsg(channel, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) continue;
  if (size <= 0) return (int)size;
  if (size < (ssize_t)sizeof *message) message->text[size - 1] = '\0';
  message->text[sizeof message->text - 1] = '\0';
  for (struct cmsghdr *given = CMSG_FIRSTHDR(&header); given != NULL; given = CMSG_NXTHDR(&header, given)) {
    struct ucred sender;
    if (given->cmsg_type == SCM_RIGHTS) memcpy(&enclosed->fd, CMSG_DATA(given), sizeof enclosed->fd);
    if (given->cmsg_type != SCM_CREDENTIALS) continue;
    memcpy(&sender, CMSG_DATA(given), sizeof sender);
    enclosed->sender = sender.pid;
  }
  return (int)size;
}

/* /dev/console is the same terminal, as programs that log there expect. */
static int show_as_console(int root, int slave) {
  cleanup_fd int mount = open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (mount < 0) return fail("open_tree", "the terminal");
  cleanup_fd int at = open_in_root(root, "/dev/console", CREATE_FILE);
  if (at < 0) return -1;
  if (move_mount(mount, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail("move_mount", "/dev/console");
  return 0;
}

int connect_terminal(int root, int channel, struct size size, bool console) {
  cleanup_fd int master = sys_openat2(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
  if (master < 0) return fail("open", "/dev/pts/ptmx");
  int unlocked = 0;
  if (ioctl(master, TIOCSPTLCK, &unlocked) < 0) return fail("TIOCSPTLCK", "/dev/pts/ptmx");
  /* by descriptor, not by name: what /dev/pts/0 is called inside is the image's business */
  cleanup_fd int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) return fail("TIOCGPTPEER", "/dev/pts/ptmx");
  struct winsize window = {.ws_col = size.columns, .ws_row = size.rows};
  if (size.columns != 0 && ioctl(master, TIOCSWINSZ, &window) < 0) return fail("TIOCSWINSZ", "the terminal");
  if (console && show_as_console(root, slave) < 0) return -1;
  if (ioctl(slave, TIOCSCTTY, 0) < 0) return fail("TIOCSCTTY", "the terminal");
  for (int fd = 0; fd < 3; fd++) {
    if (dup2(slave, fd) < 0) return fail("dup2", "the terminal");
  }
  return send_terminal(channel, master);
}
