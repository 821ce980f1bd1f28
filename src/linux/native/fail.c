#include "fail.h"

#include <errno.h>
#include <string.h>

struct failure last_failure;

static int note(const char *doing, const char *object, const char *reason) {
  last_failure.class = FAIL_LAUNCH;
  last_failure.error = errno;
  last_failure.doing = doing;
  last_failure.reason = reason;
  last_failure.object[0] = '\0';
  if (object != NULL) strncat(last_failure.object, object, sizeof last_failure.object - 1);
  /* it travels in a line of fields; a path may hold anything */
  for (char *c = last_failure.object; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ') *c = '?';
  }
  return -1;
}

int fail(const char *doing, const char *object) { return note(doing, object, NULL); }

int fail_because(const char *doing, const char *object, const char *reason) { return note(doing, object, reason); }
