/* What the parts of the supervise job share: one container, its streams, and who is connected. */
#ifndef CORACLE_SUPERVISOR_H
#define CORACLE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "client.h"
#include "deadline.h"
#include "host.h"
#include "launch.h"
#include "log.h"
#include "probe.h"
#include "terminal.h"
#include "wire.h"

#define DRAIN_MS 2000 /* for output of processes that outlive the first one outside a pid namespace */
#define REST_AFTER_MS 1000 /* without anything to do */

struct supervisor {
  uint8_t *plan; /* what most strings here point into; kept to the end */
  struct host host;
  struct log log;
  struct probe probe;
  uint64_t first_probe; /* milliseconds after the start */
  struct deadline deadline;
  struct client clients[MAX_CLIENTS]; /* the first one is the owner's control connection until the container runs */
  const char *run_directory, *state_directory;
  const char **hook_argv, **hook_env;
  bool terminal, open_stdin, stdin_once;
  struct bytes early, late; /* what a program that was started early must have been started with, and what it then lacks */
  bool tied; /* the container is killed when the command that started it goes, however it goes */
  struct size size;
  pid_t child;
  bool child_ended;
  int status; /* as wait() gave it */
  unsigned long long finished_ns;
  int signals, listener;
  int in, out[2];    /* the container's stdin, stdout and stderr; with a terminal `in` is a copy of out[0] */
  int terminal_peer; /* keeps a terminal that its programs closed for a while from ending */
  char socket_path[sizeof((struct sockaddr_un *)0)->sun_path];
};

extern struct supervisor self;

/* start.c: each answers -1 with the failure noted and its step's number in `*step`. */
int take_plan(struct reader *plan, unsigned *step, uint64_t *namespaces);
/* Answers once the program runs. */
int start_container(struct reader *plan, uint64_t namespaces, unsigned *step);

/* A child to be: its steps (host steps are passed over) after `step` others, with the fields of struct parent. */
struct birth {
  struct reader steps;
  unsigned step;
  uint64_t namespaces;
  const struct stdio *stdio;
  int target;
  bool gated; /* its program waits, at a gate of its own */
};
/* This side of what connects us with a child. */
struct ends {
  int channel, go, gate;
};
/* Waits for a byte in `go`. Answers its number, or -1 with the failure noted. */
pid_t clone_child(const struct birth *birth, struct ends *ends);
/* Until the channel ends, which the child's exec closes. Answers which process that was, a child of the child's maybe. */
pid_t hear_child(int channel);
/* Makes self.in and self.out, and what the child has of them. */
int open_streams(struct stdio *stdio);
/* The line a failed child sent; empty when the failure is one of ours. */
extern char child_failure[768];

/* protocol.c */
int listen_for_clients(void);
void accept_client(void);
void hear_client(struct client *client);
void say(struct client *client, const char *line);
void say_to_owner(const char *word, const char *text);

/* carry.c */
void carry_streams(void);
/* Takes what an attached client sent for the container's stdin. */
void keep_input(const char *data, size_t size);

/* ending.c */
int end_supervision(void);
/* Runs another program in this process, with signals as they usually are. Returns only when that fails. */
void become(const char **argv, const char **env);
int64_t now_ms(void);

#endif
