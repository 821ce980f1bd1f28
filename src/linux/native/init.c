/* `--init`: the container's first process forwards signals, reaps orphans, and ends as its child ended. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "fail.h"

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

int step_init(int channel) {
  sigset_t all, before;
  sigfillset(&all);
  if (sigprocmask(SIG_BLOCK, &all, &before) < 0) return fail("sigprocmask", "");
  pid_t child = fork();
  if (child < 0) return fail("fork", "init");
  if (child > 0) {
    close(channel);
    be_init(child);
  }
  /* its own group in the foreground, so that Ctrl-C reaches the program once, not through us as well */
  if (setpgid(0, 0) < 0) return fail("setpgid", "");
  if (isatty(0) && ioctl(0, TIOCSPGRP, &(pid_t){getpid()}) < 0) return fail("TIOCSPGRP", "");
  return sigprocmask(SIG_SETMASK, &before, NULL) < 0 ? fail("sigprocmask", "") : 0;
}
