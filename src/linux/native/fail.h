/* One way to fail: a step notes what it was doing, to what, and why it could not; one caller reports it. */
#ifndef CORACLE_FAIL_H
#define CORACLE_FAIL_H

#include <stdlib.h>
#include <unistd.h>

enum failure_class { FAIL_LAUNCH, FAIL_NOT_FOUND, FAIL_NOT_EXECUTABLE };

struct failure {
  enum failure_class class;
  int error;            /* errno, 0 when `reason` says it all */
  const char *doing;    /* "mount", "openat2" … */
  char object[256];     /* path or name, cut to fit */
  const char *reason;   /* overrides strerror where that would mislead */
};

extern struct failure last_failure;

/* Notes errno and its object; returns -1, so that steps can `return fail(…)`. */
int fail(const char *doing, const char *object);
int fail_because(const char *doing, const char *object, const char *reason);

static inline void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}
static inline void free_pointer(void *pointer) { free(*(void **)pointer); }

#define cleanup_fd __attribute__((cleanup(close_fd)))
#define cleanup_free __attribute__((cleanup(free_pointer)))

/* Gives a descriptor away: the caller's variable no longer closes it. */
static inline int steal_fd(int *fd) {
  int taken = *fd;
  *fd = -1;
  return taken;
}

#endif
