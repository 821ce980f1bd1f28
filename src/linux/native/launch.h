/* Carries out a launch plan: host steps here, then a child that does the rest and becomes the program. */
#ifndef CORACLE_LAUNCH_H
#define CORACLE_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/* Record codes of encode-plan.ts. */
enum step {
  OPTION_RUN_DIRECTORY = 1, OPTION_STATE_DIRECTORY, OPTION_TERMINAL, OPTION_STDIN, OPTION_LOG, OPTION_HOOK,
  OPTION_PROBE, OPTION_JOURNAL, OPTION_DEADLINE, OPTION_TIED, OPTION_EARLY, OPTION_LATE, OPTION_LAST = 31,
  HOST_CGROUP = 32, HOST_WRITE, HOST_DEVICE_FILTER, HOST_PID_NAMESPACE, HOST_JOIN_CGROUP, HOST_MAP_IDS, HOST_OOM_SCORE,
  HOST_OOM_FILE, HOST_CLONE, HOST_TARGET, HOST_BRIDGE, HOST_VETH, HOST_LINK_DELETE, HOST_HOLD_PORT,
  HOST_RATE = 48, HOST_SUBLINK, HOST_RESOLVER, HOST_NET_RULES, HOST_NETWORK_HELPER, HOST_ELEMENTS = 56, HOST_ELEMENTS_DELETE,
  HOST_LAST = 63,
  CHILD_ENTER = 64, CHILD_UNSHARE, CHILD_PROPAGATION, CHILD_ROOT_OVERLAY, CHILD_ROOT_BIND, CHILD_MOUNT, CHILD_BIND,
  CHILD_REMOUNT, CHILD_MKDIR, CHILD_SYMLINK, CHILD_MKNOD, CHILD_MASK, CHILD_READ_ONLY, CHILD_MOVE_ROOT, CHILD_HOSTNAME,
  CHILD_DOMAINNAME, CHILD_SYSCTL, CHILD_LOOPBACK_UP, CHILD_RLIMIT, CHILD_KEYRING, CHILD_SESSION, CHILD_CWD, CHILD_USER,
  CHILD_CAPABILITIES, CHILD_NO_NEW_PRIVILEGES, CHILD_PERSONALITY, CHILD_SECCOMP, CHILD_INIT, CHILD_EXEC,
  CHILD_BOUNDING, /* the part of `capabilities` that comes before `user`; not a step of its own */
  CHILD_ENTER_TARGET, CHILD_BIND_TARGET, CHILD_ADDRESS, CHILD_LINK_UP, CHILD_ROUTE,
  CHILD_LINK_DELETE = 104, CHILD_OVERLAY = 110, CHILD_HOLD_PROGRAM = 114, CHILD_HOLD,
  CHILD_GATE = 118, CHILD_LEND, CHILD_DONE,
};

#define STEP_OPTIONAL 0x80000000u /* set in a record's code: a failure of this step is a warning */

/* What the child tells its parent, one message each, before its end of the channel closes at exec. */
enum message_kind { MESSAGE_WARNING = 'W', MESSAGE_FAILURE = 'F', MESSAGE_TERMINAL = 'T', MESSAGE_EXEC = 'E' };
struct message {
  char kind;
  char text[767]; /* failures and warnings: see describe() */
};

struct stdio {
  int in, out, err; /* the child's ends; -1 with a terminal */
  unsigned short columns, rows; /* of the terminal; 0 when unknown */
};

/* What a child gets from its parent besides its steps. */
struct parent {
  int channel; /* where it tells what it does; closed by exec */
  int go;      /* a byte comes when it may begin */
  int target;  /* pidfd of the process whose namespaces it shares, or to which it lends; -1: none */
  int gate;    /* where a program that is started early waits; -1: none */
};

/* Runs in the child, once a byte comes over `go`, and never returns. */
_Noreturn void run_child(struct reader steps, unsigned first_step, const struct stdio *stdio, const struct parent *parent);
/* Dies with the supervisor from now on. A change of user or capabilities undoes it (prctl(2), PR_SET_PDEATHSIG). */
int die_with_supervisor(int channel);

/* One line: CLASS, step number, what was done, to what, errno, reason, separated by tabs. */
void describe(char *line, size_t size, unsigned step);

#endif
