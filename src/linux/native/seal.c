#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "fail.h"
#include "kernel.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

extern char **environ;

static int is_sealed(int program) {
  struct statvfs status;
  if (fcntl(program, F_GET_SEALS) == ALL_SEALS) return 1;
  return fstatvfs(program, &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

/* A detached, read-only mount of the file itself: no copy, no memory. Needs CAP_SYS_ADMIN. */
static int read_only_mount(void) {
  cleanup_fd int mount = open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
  if (mount < 0 || mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0) return -1;
  return steal_fd(&mount);
}

static int sealed_copy(int program) {
  struct stat status;
  cleanup_fd int copy = memfd_create("coracle-native", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (copy < 0) return fail("memfd_create", "the program's copy");
  if (fstat(program, &status) < 0) return fail("fstat", "/proc/self/exe");
  for (off_t left = status.st_size; left > 0;) {
    ssize_t sent = sendfile(copy, program, NULL, (size_t)left);
    if (sent <= 0) return fail("sendfile", "the program's copy");
    left -= sent;
  }
  if (fcntl(copy, F_ADD_SEALS, ALL_SEALS) < 0) return fail("fcntl", "F_ADD_SEALS");
  return steal_fd(&copy);
}

int seal_program(char **argv) {
  cleanup_fd int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (program < 0) return fail("open", "/proc/self/exe");
  if (is_sealed(program)) return 0;
  cleanup_fd int sealed = read_only_mount();
  if (sealed < 0) sealed = sealed_copy(program);
  if (sealed < 0) return -1;
  syscall(SYS_execveat, sealed, "", argv, environ, AT_EMPTY_PATH);
  return fail("execveat", "the sealed program");
}
