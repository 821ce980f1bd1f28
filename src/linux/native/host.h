/* Host steps of a launch plan, and what they leave to be undone. */
#ifndef CORACLE_HOST_H
#define CORACLE_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "helper.h"
#include "wire.h"

#define MAX_GROUPS 32
#define MAX_OOM_FILES 4
#define MAX_LINKS 64
#define MAX_ELEMENT_STEPS 512

struct host {
  const char *groups[MAX_GROUPS]; /* to be removed at the end, in the order they were made */
  unsigned group_count;
  const char *oom_files[MAX_OOM_FILES];
  unsigned oom_file_count;
  const char *links[MAX_LINKS]; /* on this side, to be removed at the end */
  unsigned link_count;
  struct reader elements[MAX_ELEMENT_STEPS]; /* of packet filter sets, to be removed at the end */
  unsigned element_count;
  uint64_t oom_kills_before;
  struct helper helper;
  int target; /* pidfd of the process that the child joins, -1: none */
  bool in_other_pid_namespace; /* for children only: this process stays where it is */
};

int run_host_step(struct host *host, uint32_t code, struct reader *args, pid_t child);
/* For later children, and threads of the hook, which could not be made otherwise. */
int return_to_own_pid_namespace(const struct host *host);
/* How often the kernel killed in the container's groups for want of memory. */
bool was_oom_killed(const struct host *host);
/* Lets everything in the groups go on that stood still. */
void thaw_groups(const struct host *host);
/* Kills what is left in the groups and removes them; answers -1 with the failure noted for the first one that stays. */
int remove_groups(struct host *host);

/* Links would go with the container's network namespace, but not before the kernel gets round to it. */
void leave_networks(struct host *host);

#endif
