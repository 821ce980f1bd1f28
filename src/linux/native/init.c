/* `--init`: the container's first process forwards signals, reaps orphans, and ends as its child ended. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fail.h"

static char *title;
static size_t title_size;

void keep_title(int argc, char **argv) {
  title = argv[0];
  title_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
}

static void set_title(const char *name) {
  memset(title, '\0', title_size);
  memcpy(title, name, strlen(name) < title_size ? strlen(name) : title_size);
  prctl(PR_SET_NAME, name);
}

static _Noreturn void be_init(pid_t child) {
  sigset_t all;
  sigfillset(&all);
  for (;;) {
    siginfo_t info;
    if (sigwaitinfo(&all, &info) < 0) continue;
    if (info.si_signo != SIGCHLD) {
      kill(child, info.si_signo); /* ESRCH: its end is on its way to us */
      continue;
    }
    int status;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended != child) continue;
      /* pid 1 cannot die of a signal of its own: the supervisor reads 128 + n as docker shows it */
      _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
  }
}

/* In a pid namespace of its own an init takes all with it anyway; in another's it has to be asked for. */
static int die_with_parent(void) {
  return getppid() != 1 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? fail("prctl", "PR_SET_PDEATHSIG") : 0;
}

int step_init(int channel, bool has_stdio) {
  sigset_t all, before;
  sigfillset(&all);
  if (sigprocmask(SIG_BLOCK, &all, &before) < 0) return fail("sigprocmask", "");
  pid_t child = fork();
  if (child < 0) return fail("fork", "init");
  if (child > 0) {
    close(channel);
    if (close_range(3, ~0U, 0) < 0) _exit(125);
    set_title("coracle-init");
    be_init(child);
  }
  if (die_with_parent() < 0) return -1;
  if (!has_stdio) return sigprocmask(SIG_SETMASK, &before, NULL) < 0 ? fail("sigprocmask", "") : 0;
  /* its own group in the foreground, so that Ctrl-C reaches the program once, not through us as well */
  if (setpgid(0, 0) < 0) return fail("setpgid", "");
  if (isatty(0) && ioctl(0, TIOCSPGRP, &(pid_t){getpid()}) < 0) return fail("TIOCSPGRP", "");
  return sigprocmask(SIG_SETMASK, &before, NULL) < 0 ? fail("sigprocmask", "") : 0;
}
