/* Files of an ordinary user's containers belong to ids of that user's namespace: only inside of it can they be made. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "apply.h"
#include "fail.h"
#include "host.h"
#include "launch.h"

/* `ready` tells the parent that the namespace is there, `mapped` that its ids are. */
static int become_child(int ready, int mapped) {
  char byte;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail("prctl", "PR_SET_PDEATHSIG");
  if (unshare(CLONE_NEWUSER) < 0) return fail("unshare", "user namespace");
  if (write(ready, "r", 1) != 1 || read(mapped, &byte, 1) != 1) return fail("map ids", "user namespace");
  if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) return fail("setresuid", "0");
  apply_tree.ignore_owners = true;
  return 0;
}

static int map_child(struct reader *args, pid_t child, int mapped) {
  struct host host = {0};
  if (run_host_step(&host, HOST_MAP_IDS, args, child) < 0) return -1;
  return write(mapped, "m", 1) == 1 ? 0 : fail("write", "user namespace");
}

int apply_in_user_namespace(struct reader *args) {
  int ready[2], mapped[2];
  char byte;
  if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(mapped, O_CLOEXEC) < 0) return fail("pipe2", "");
  pid_t child = fork();
  if (child < 0) return fail("fork", "");
  if (child == 0) {
    close(ready[0]);
    close(mapped[1]);
    int result = become_child(ready[1], mapped[0]);
    close(ready[1]);
    close(mapped[0]);
    return result;
  }
  close(ready[1]);
  close(mapped[0]);
  /* a child that cannot have its namespace says so itself */
  bool failed = read(ready[0], &byte, 1) == 1 && map_child(args, child, mapped[1]) < 0;
  if (failed) {
    apply_report(0);
    kill(child, SIGKILL);
  }
  close(mapped[1]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  _exit(!failed && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
