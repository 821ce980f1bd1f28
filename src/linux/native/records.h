/* What a supervisor leaves on disk, as `key=value` lines, written aside and renamed so that no reader sees half of it. */
#ifndef CORACLE_RECORDS_H
#define CORACLE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct exit_record {
  int status, signal;
  bool oom_killed;
  const char *error;              /* why it never ran; NULL when it did */
  unsigned long long finished_ns; /* since the epoch */
};

/* 0–255, 128 + n for signal n. */
int exit_status(int wait_status);
/* `durable`: it is on disk, whatever happens to the machine, when this returns. */
int write_exit_record(const char *directory, const struct exit_record *record, bool durable);
/* Also fills `started` with the line for the owner. */
int write_pid_record(const char *directory, pid_t child, char *started, size_t size);
/* So that whoever cleans up after a killed supervisor finds the program. */
int write_helper_record(const char *directory, pid_t program);
/* The line that answers WAIT. */
void format_exit(char *line, size_t size, const struct exit_record *record);
unsigned long long now_ns(void);
/* Clock ticks since boot, 0 when there is no such process: with the pid it names a process for good. */
unsigned long long process_start_time(pid_t pid);

#endif
