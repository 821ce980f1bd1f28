/* Waits, then becomes another program: what restarts a container after a pause, at the price of a sleeping process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "jobs.h"

/* after MILLISECONDS PROGRAM [ARGUMENT...]: the environment is passed on. */
int after_main(int argc, char **argv) {
  char *end;
  if (argc < 4) return 2;
  errno = 0;
  unsigned long wait = strtoul(argv[2], &end, 10);
  if (errno != 0 || *end != '\0' || end == argv[2]) return 2;
  struct timespec until;
  if (clock_gettime(CLOCK_MONOTONIC, &until) < 0) {
    perror("coracle-native: after: clock_gettime");
    return 125;
  }
  until.tv_sec += (time_t)(wait / 1000);
  until.tv_nsec += (long)(wait % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  int slept; /* returns the error instead of setting errno */
  while ((slept = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)) == EINTR) continue;
  if (slept != 0) {
    errno = slept;
    perror("coracle-native: after: clock_nanosleep");
    return 125;
  }
  execv(argv[3], argv + 3);
  perror("coracle-native: after: execv");
  return errno == ENOENT ? 127 : 126;
}
