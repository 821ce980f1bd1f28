/*
 * Native code in place of the runner, as if a module had got hold of all of it. Tries what must not work, and says of each try
 * its name and the error, or 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result) { printf("%s %d\n", name, result < 0 ? errno : 0); }

static void list(const char *path) {
  DIR *directory = opendir(path);
  if (directory == NULL) return say(path, -1);
  printf("list %s", path);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.') printf(" %s", entry->d_name);
  printf("\n");
  closedir(directory);
}

static void try_files(char **paths) {
  for (; *paths != NULL; paths++) {
    char name[4200];
    snprintf(name, sizeof name, "read %s", *paths);
    int fd = open(*paths, O_RDONLY);
    say(name, fd);
    if (fd >= 0) close(fd);
  }
  say("write at /", open("/new", O_CREAT | O_WRONLY, 0600));
  say("write the program", open("/escaped", O_WRONLY));
  say("mknod", mknod("/dev/sda", S_IFBLK | 0600, makedev(8, 0)));
  say("write own memory's file", open("/proc/self/mem", O_RDWR));
  say("change init's score", open("/proc/1/oom_score_adj", O_WRONLY));
}

static void try_programs(void) {
  char *argv[] = {"escaped", NULL};
  say("execve", execve("/escaped", argv, argv + 1));
  int fd = open("/escaped", O_PATH);
  say("execveat", syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH));
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  int high = (int)limit.rlim_max;
  say("dup3 to the program's number", dup3(fd, high, 0));
  say("fcntl to the program's number", fcntl(fd, F_DUPFD, high));
  say("execveat of the program's number", syscall(SYS_execveat, high, "", argv, argv + 1, AT_EMPTY_PATH));
  limit.rlim_max++;
  say("raise the limit", setrlimit(RLIMIT_NOFILE, &limit));
  pid_t child = fork();
  if (child == 0) _exit(0);
  say("fork", child);
  say("vfork", syscall(SYS_clone, SIGCHLD | CLONE_VM | CLONE_VFORK, 0, 0, 0, 0));
  say("clone3", syscall(SYS_clone3, NULL, 0));
}

static void try_others(void) {
  char byte;
  struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
  say("kill init", kill(1, 0));
  say("kill all", kill(-1, 0));
  say("pidfd_open", syscall(SYS_pidfd_open, 1, 0));
  say("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
  say("ptrace init", ptrace(PTRACE_SEIZE, 1, 0, 0));
  say("process_vm_readv", process_vm_readv(1, &here, 1, &there, 1, 0));
  say("process_vm_writev", process_vm_writev(1, &here, 1, &there, 1, 0));
  say("prlimit of init", prlimit(1, RLIMIT_NOFILE, NULL, NULL));
}

static void try_kernel(void) {
  char attributes[256] = {0};
  say("mount", mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
  say("umount", umount2("/proc", MNT_DETACH));
  say("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  say("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
  say("pivot_root", syscall(SYS_pivot_root, "/", "/"));
  say("chroot", chroot("/"));
  say("unshare", unshare(CLONE_NEWUSER));
  say("setns", setns(0, 0));
  say("bpf", syscall(SYS_bpf, 0, attributes, sizeof attributes));
  say("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
  say("add_key", syscall(SYS_add_key, "user", "a", "b", 1, KEY_SPEC_PROCESS_KEYRING));
  say("userfaultfd", syscall(SYS_userfaultfd, 1));
  say("io_uring_setup", syscall(SYS_io_uring_setup, 8, attributes));
  say("perf_event_open", syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0));
  say("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, attributes, 0));
  say("init_module", syscall(SYS_init_module, attributes, 1, ""));
  say("setuid", setuid(1));
  say("sethostname", sethostname("x", 1));
  say("personality", syscall(SYS_personality, 8));
  say("seccomp", syscall(SYS_seccomp, 0, 0, NULL));
  say("prctl dumpable", prctl(PR_SET_DUMPABLE, 1));
  say("ioctl TIOCSTI", syscall(SYS_ioctl, 0, 0x5412, "x"));
  say("memfd_create", syscall(SYS_memfd_create, "x", 0));
}

static void try_sockets(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001)};
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  say("socket inet", tcp);
  say("socket inet6", socket(AF_INET6, SOCK_STREAM, 0));
  if (tcp >= 0) say("connect", connect(tcp, (struct sockaddr *)&address, sizeof address));
  say("socket unix", socket(AF_UNIX, SOCK_STREAM, 0));
  say("socket netlink", socket(AF_NETLINK, SOCK_RAW, 0));
  say("socket packet", socket(AF_PACKET, SOCK_RAW, 0));
  say("socket vsock", socket(40, SOCK_STREAM, 0));
  say("socket alg", socket(38, SOCK_SEQPACKET, 0));
  say("socket raw", socket(AF_INET, SOCK_RAW, 1));
  int pair[2];
  say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

int main(int argc, char **argv) {
  (void)argc;
  list("/");
  list("/proc");
  list("/proc/self/fd");
  list("/dev");
  try_files(argv + 1);
  try_programs();
  try_others();
  try_kernel();
  try_sockets();
  FILE *status = fopen("/proc/self/status", "r");
  for (char line[256]; status != NULL && fgets(line, sizeof line, status) != NULL;)
    if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNew", 5) == 0 || strncmp(line, "Seccomp:", 8) == 0) fputs(line, stdout);
  return 0;
}
