#ifndef CORACLE_TERMINAL_H
#define CORACLE_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

struct size {
  unsigned short columns, rows;
};

/* A pty of the root's own devpts becomes stdio and the controlling terminal; its master travels over `channel`.
 * `console`: it is shown as /dev/console, too. */
int connect_terminal(int root, int channel, struct size size, bool console);
/* What comes with a message, if it does: a descriptor, else -1, and where the socket asks for it (SO_PASSCRED) who sent it. */
struct enclosed {
  int fd;
  pid_t sender;
};
/* Receives one message. Returns its length, 0 at the end, -1 on error. */
struct message;
int receive_message(int channel, struct message *message, struct enclosed *enclosed);

#endif
