#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "elements.h"
#include "fail.h"
#include "kernel.h"
#include "launch.h"
#include "records.h"
#include "rtnl.h"
#include "resolve-enter.h"
#include "resolve-keep.h"
#include "shape.h"

static int write_file(const char *path, const char *text) {
  cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fail("open", path);
  size_t size = strlen(text);
  return write(fd, text, size) != (ssize_t)size ? fail("write", path) : 0;
}

static int make_directories(const char *path) {
  char copy[PATH_MAX];
  if (strlen(path) >= sizeof copy) return errno = ENAMETOOLONG, fail("mkdir", path);
  strcpy(copy, path);
  for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(copy, 0755) < 0 && errno != EEXIST) return fail("mkdir", copy);
    *slash = '/';
  }
  return mkdir(copy, 0755) < 0 && errno != EEXIST ? fail("mkdir", copy) : 0;
}

static int make_group(struct host *host, struct reader *args) {
  const char *path = read_string(args);
  uint32_t remove = read_u32(args);
  if (remove && host->group_count == MAX_GROUPS) return errno = E2BIG, fail("mkdir", path);
  /* the last container of all removes the groups above its own: one that comes at that moment makes them again */
  int result = -1;
  for (int attempt = 0; attempt < 100 && (result = make_directories(path)) < 0 && last_failure.error == ENOENT; attempt++) continue;
  if (result == 0 && remove) host->groups[host->group_count++] = path;
  return result;
}

static int attach_device_filter(struct reader *args) {
  const char *path = read_string(args);
  struct bytes program = read_bytes(args);
  if (args->bad || program.size == 0 || program.size % 8 != 0) return errno = EINVAL, fail("decode", "device-filter");
  cleanup_free void *instructions = malloc(program.size);
  if (instructions == NULL) return fail("malloc", "device-filter");
  memcpy(instructions, program.data, program.size);
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};
  load.insns = (uint64_t)(uintptr_t)instructions;
  load.insn_cnt = program.size / 8;
  load.license = (uint64_t)(uintptr_t)"Apache-2.0";
  cleanup_fd int filter = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (filter < 0) return fail("bpf load", "the device filter");
  cleanup_fd int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (group < 0) return fail("open", path);
  union bpf_attr attach = {.attach_type = BPF_CGROUP_DEVICE};
  attach.target_fd = (uint32_t)group;
  attach.attach_bpf_fd = (uint32_t)filter;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  return syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0 ? fail("bpf attach", path) : 0;
}

static int join_group(const char *path, pid_t child) {
  char file[PATH_MAX], pid[16];
  if (snprintf(file, sizeof file, "%s/cgroup.procs", path) >= (int)sizeof file) return errno = ENAMETOOLONG, fail("open", path);
  snprintf(pid, sizeof pid, "%d", child);
  return write_file(file, pid);
}

/* newuidmap PID INSIDE OUTSIDE SIZE … */
static int run_mapper(const char *program, char **argv) {
  pid_t mapper = fork();
  if (mapper < 0) return fail("fork", program);
  if (mapper == 0) {
    execvp(program, argv);
    _exit(127);
  }
  int status;
  while (waitpid(mapper, &status, 0) < 0) {
    if (errno != EINTR) return fail("waitpid", program);
  }
  if (status == 0) return 0;
  return errno = 0, fail_because("map ids", program, "it refused: see /etc/subuid and /etc/subgid");
}

static int write_map(struct reader *args, pid_t child, const char *file, const char *helper) {
  uint32_t count = read_u32(args);
  if (args->bad || count > 340) return errno = EINVAL, fail("decode", "map-ids");
  char text[340 * 36], path[64], pid[16], *argv[2 + 340 * 3 + 1];
  cleanup_free char *numbers = malloc((size_t)count * 36 + 1);
  if (numbers == NULL) return fail("malloc", "map-ids");
  size_t used = 0, placed = 0, words = 0;
  snprintf(pid, sizeof pid, "%d", child);
  argv[words++] = (char *)helper;
  argv[words++] = pid;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t range[3];
    for (int field = 0; field < 3; field++) {
      range[field] = read_u32(args);
      argv[words++] = numbers + placed;
      placed += (size_t)sprintf(numbers + placed, "%u", range[field]) + 1;
    }
    used += (size_t)sprintf(text + used, "%u %u %u\n", range[0], range[1], range[2]);
  }
  argv[words] = NULL;
  if (args->bad) return errno = EINVAL, fail("decode", "map-ids");
  if (helper != NULL) return run_mapper(helper, argv);
  snprintf(path, sizeof path, "/proc/%d/%s", child, file);
  return write_file(path, text);
}

static int map_ids(struct reader *args, pid_t child) {
  uint32_t helpers = read_u32(args), deny_setgroups = read_u32(args);
  if (deny_setgroups) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/setgroups", child);
    if (write_file(path, "deny") < 0) return -1;
  }
  if (write_map(args, child, "uid_map", helpers ? "newuidmap" : NULL) < 0) return -1;
  return write_map(args, child, "gid_map", helpers ? "newgidmap" : NULL);
}

static int enter_pid_namespace(const char *path) {
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("open", path);
  return setns(fd, CLONE_NEWPID) < 0 ? fail("setns", path) : 0;
}

/* A descriptor names the process for good; its start time, read afterwards, says that it is the one that was meant. */
static int open_target(struct host *host, struct reader *args) {
  pid_t pid = (pid_t)read_u32(args);
  uint64_t start_time = read_u64(args);
  uint32_t join_pid_namespace = read_u32(args);
  char name[24];
  snprintf(name, sizeof name, "%d", pid);
  if (args->bad || host->target >= 0) return errno = EINVAL, fail("decode", "target");
  host->target = sys_pidfd_open(pid);
  if (host->target < 0) return fail("pidfd_open", name);
  if (process_start_time(pid) != start_time) return errno = ESRCH, fail("pidfd_open", name);
  if (!join_pid_namespace) return 0;
  if (setns(host->target, CLONE_NEWPID) < 0) return fail("setns", name);
  host->in_other_pid_namespace = true;
  return 0;
}

int return_to_own_pid_namespace(const struct host *host) {
  return host->in_other_pid_namespace ? enter_pid_namespace("/proc/self/ns/pid") : 0;
}

static uint64_t count_oom_kills(const char *path) {
  char text[4096];
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (size <= 0) return 0;
  text[size] = '\0';
  const char *line = strncmp(text, "oom_kill ", 9) == 0 ? text : strstr(text, "\noom_kill ");
  return line == NULL ? 0 : strtoull(strchr(line + (*line == '\n'), ' '), NULL, 10);
}

bool was_oom_killed(const struct host *host) {
  uint64_t kills = 0;
  for (unsigned i = 0; i < host->oom_file_count; i++) kills += count_oom_kills(host->oom_files[i]);
  return kills > host->oom_kills_before;
}

static int keep_oom_file(struct host *host, const char *path) {
  if (host->oom_file_count == MAX_OOM_FILES) return errno = E2BIG, fail("oom-file", path);
  host->oom_files[host->oom_file_count++] = path;
  host->oom_kills_before += count_oom_kills(path);
  return 0;
}

static int make_veth(struct host *host, struct reader *args, pid_t child) {
  const char *link;
  if (host->link_count == MAX_LINKS) return errno = E2BIG, fail("make veth", "more than 64");
  if (step_veth(args, child, &link) < 0) return -1;
  host->links[host->link_count++] = link;
  return 0;
}

static int add_elements(struct host *host, struct reader *args) {
  if (host->element_count == MAX_ELEMENT_STEPS) return errno = E2BIG, fail("change packet filter set", "more than 512");
  host->elements[host->element_count++] = *args;
  return step_elements(args);
}

static int limit_rate(struct host *host, struct reader *args) {
  const char *shaper = NULL;
  if (host->link_count == MAX_LINKS) return errno = E2BIG, fail("limit the rate of", "more than 64");
  int result = step_rate(args, &shaper);
  if (shaper != NULL) host->links[host->link_count++] = shaper;
  return result;
}

void leave_networks(struct host *host) {
  while (host->element_count > 0) remove_elements(host->elements[--host->element_count]);
  while (host->link_count > 0) delete_link(host->links[--host->link_count]);
}

int run_host_step(struct host *host, uint32_t code, struct reader *args, pid_t child) {
  char pid_path[64];
  switch ((enum step)code) {
    case HOST_CGROUP: return make_group(host, args);
    case HOST_WRITE: {
      const char *path = read_string(args);
      return write_file(path, read_string(args));
    }
    case HOST_DEVICE_FILTER: return attach_device_filter(args);
    case HOST_PID_NAMESPACE:
      host->in_other_pid_namespace = true;
      return enter_pid_namespace(read_string(args));
    case HOST_JOIN_CGROUP: return join_group(read_string(args), child);
    case HOST_MAP_IDS: return map_ids(args, child);
    case HOST_OOM_SCORE:
      snprintf(pid_path, sizeof pid_path, "/proc/%d/oom_score_adj", child);
      return write_file(pid_path, read_string(args));
    case HOST_OOM_FILE: return keep_oom_file(host, read_string(args));
    case HOST_TARGET: return open_target(host, args);
    case HOST_BRIDGE: return step_bridge(args);
    case HOST_VETH: return make_veth(host, args, child);
    case HOST_LINK_DELETE: return step_link_delete(args);
    case HOST_HOLD_PORT: return step_hold_port(args);
    case HOST_RESOLVER: return step_resolver(args, child);
    case HOST_NET_RULES: return step_net_rules(args, child);
    case HOST_ELEMENTS: return add_elements(host, args);
    case HOST_ELEMENTS_DELETE: return remove_elements(*args);
    case HOST_SUBLINK: return step_sublink(args, child);
    case HOST_RATE: return limit_rate(host, args);
    case HOST_NETWORK_HELPER: return step_helper(&host->helper, args, child);
    default: return errno = EINVAL, fail_because("decode", "the plan", "there is no such host step");
  }
}

static void write_where_possible(const char *group, const char *name, const char *text) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", group, name) >= (int)sizeof path) return;
  cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write(fd, text, strlen(text)) < 0) return; /* it is on its way out */
}

void thaw_groups(const struct host *host) {
  for (unsigned i = 0; i < host->group_count; i++) {
    write_where_possible(host->groups[i], "freezer.state", "THAWED"); /* version 1 */
    write_where_possible(host->groups[i], "cgroup.freeze", "0");
  }
}

static void kill_members(const char *group) {
  char path[PATH_MAX], line[32];
  if (snprintf(path, sizeof path, "%s/cgroup.kill", group) < (int)sizeof path && write_file(path, "1") == 0) return;
  snprintf(path, sizeof path, "%s/cgroup.procs", group);
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(steal_fd(&fd), "r");
  if (file == NULL) return;
  while (fgets(line, sizeof line, file) != NULL) {
    pid_t member = (pid_t)strtol(line, NULL, 10);
    if (member > 1 && member != getpid()) kill(member, SIGKILL);
  }
  fclose(file);
}

/* A container with its own cgroup namespace may have made groups below its own. */
static int remove_group(const char *path, int depth) {
  if (rmdir(path) == 0 || errno == ENOENT) return 0;
  kill_members(path);
  DIR *directory = depth > 0 ? opendir(path) : NULL;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    char below[PATH_MAX];
    if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below) remove_group(below, depth - 1);
  }
  if (directory != NULL) closedir(directory);
  return rmdir(path) < 0 && errno != ENOENT ? fail("rmdir", path) : 0;
}

int remove_groups(struct host *host) {
  int result = 0;
  for (unsigned i = host->group_count; i-- > 0;) {
    /* a killed process leaves its group a moment after its parent learns of it */
    int removed = -1;
    for (int attempt = 0; attempt < 100 && (removed = remove_group(host->groups[i], 16)) < 0; attempt++)
      nanosleep(&(struct timespec){.tv_nsec = attempt < 10 ? 1000000 : 20000000}, NULL);
    if (removed < 0) result = -1;
    /* the group above is shared with other containers: it goes with the last of them, and stays while it is in use */
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", host->groups[i]);
    char *slash = strrchr(parent, '/');
    if (slash != NULL && slash != parent) *slash = '\0', (void)rmdir(parent);
  }
  host->group_count = 0;
  return result;
}
