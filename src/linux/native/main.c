/* The native program: mechanism without policy. Each job is one word; TypeScript speaks to it over descriptors. */
#include <stdio.h>
#include <string.h>

#include "jobs.h"

static const struct job {
  const char *name;
  int (*run)(int argc, char **argv);
} jobs[] = {
    {"supervise", supervise_main},
    {"apply", apply_main},
    {"after", after_main},
    {"ahead", ahead_main},
    {"beside", beside_main},
    {"archive", archive_main},
    {"enclose", enclose_main},
    {"hold", hold_main},
    {"wire", wire_main},
    {"resolve", resolve_main},
};

int main(int argc, char **argv) {
  for (size_t i = 0; argc > 1 && i < sizeof jobs / sizeof *jobs; i++) {
    if (strcmp(argv[1], jobs[i].name) == 0) return jobs[i].run(argc, argv);
  }
  fputs("usage: coracle-native supervise|ahead|beside|apply|after|archive|enclose|hold|wire|resolve (started by coracle, not by hand)\n", stderr);
  return 2;
}
