#ifndef CORACLE_TERMINAL_H
#define CORACLE_TERMINAL_H

#include <stdbool.h>

struct size {
  unsigned short columns, rows;
};

/* A pty of the root's own devpts becomes stdio and the controlling terminal; its master travels over `channel`.
 * `console`: it is shown as /dev/console, too. */
int connect_terminal(int root, int channel, struct size size, bool console);
/* Receives one message; `*fd` is the descriptor that came with it, or -1. Returns its length, 0 at the end, -1 on error. */
struct message;
int receive_message(int channel, struct message *message, int *fd);

#endif
