/*
 * `coracle-native resolve`: answers the names of one container, from its own files or by asking the host's resolvers. What
 * it reads comes from the container and from the network: it has no rights left, and its supervisor believes none of what it says.
 */
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "fail.h"
#include "jobs.h"
#include "resolve-confine.h"
#include "resolve-feed.h"

#define BURST 32 /* questions taken at once, before answers to others are looked at */

struct responder responder;

int64_t resolve_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int watch_fd(struct watch *watch, int fd, short events) {
  if (fd < 0 || watch->count == MAX_POLLED) return -1;
  watch->fds[watch->count] = (struct pollfd){.fd = fd, .events = events};
  return (int)watch->count++;
}

void watch_until(struct watch *watch, int64_t until) {
  if (watch->until < 0 || until < watch->until) watch->until = until;
}

static bool is_local(const struct sockaddr_in *asker) {
  return asker->sin_family == AF_INET && (ntohl(asker->sin_addr.s_addr) >> 24) == 127;
}

static void take_question(size_t size, const struct sockaddr_in *asker) {
  struct question question;
  struct answer answer = {.data = responder.reply, .limit = sizeof responder.reply, .datagram = true};
  enum verdict verdict = decide(responder.packet, size, &question, &answer);
  if (verdict == VERDICT_FORWARD) forward_question(responder.packet, size, &question, asker);
  if (verdict == VERDICT_ANSWER) answer_by_udp(&answer, asker);
}

static void take_questions(void) {
  for (int i = 0; i < BURST; i++) {
    struct sockaddr_in asker;
    socklen_t length = sizeof asker;
    uint8_t *packet = responder.packet;
    ssize_t size = recvfrom(RESOLVE_UDP, packet, sizeof responder.packet, MSG_DONTWAIT, (struct sockaddr *)&asker, &length);
    if (size < 0) return;
    if (length == sizeof asker && is_local(&asker)) take_question((size_t)size, &asker);
  }
}

static int wait_for(struct watch *watch) {
  int64_t wait = watch->until < 0 ? -1 : watch->until - resolve_now_ms();
  return poll(watch->fds, watch->count, wait < -1 ? 0 : wait > 60000 ? 60000 : (int)wait);
}

/* Until the supervisor ends. */
static void answer_questions(void) {
  for (;;) {
    static struct watch watch;
    watch.count = 0;
    watch.until = -1;
    int channel = watch_fd(&watch, RESOLVE_CHANNEL, 0), udp = watch_fd(&watch, RESOLVE_UDP, POLLIN);
    watch_forwards(&watch);
    watch_connections(&watch);
    if (wait_for(&watch) < 0 && errno != EINTR) return;
    if ((seen(&watch, channel) & (POLLHUP | POLLERR)) != 0) return;
    int64_t now = resolve_now_ms();
    serve_forwards(&watch, now);
    serve_connections(&watch, now);
    if (seen(&watch, udp) != 0) take_questions();
  }
}

static void tell(uint8_t kind) {
  struct tell tell = {.kind = kind};
  if (kind == TELL_FAILURE) {
    int size = snprintf(tell.text, sizeof tell.text, "%s %s: %s", last_failure.doing, last_failure.object,
                        last_failure.reason != NULL ? last_failure.reason : strerror(last_failure.error));
    tell.count = (uint8_t)(size < (int)sizeof tell.text ? size : (int)sizeof tell.text - 1);
  }
  (void)send(RESOLVE_CHANNEL, &tell, sizeof tell, MSG_NOSIGNAL); /* a supervisor that is gone ends this process anyway */
}

/* resolve PARENT open|filter, with the descriptors of resolve.h */
int resolve_main(int argc, char **argv) {
  if (argc != 4) return 2;
  responder.filter = strcmp(argv[3], "filter") == 0;
  responder.names = (struct names){.directory = RESOLVE_DIRECTORY, .networks_directory = RESOLVE_NAMES};
  int result = confine((pid_t)strtol(argv[2], NULL, 10));
  if (result == 0 && !refresh_names(&responder.names)) result = fail("open", "config");
  tell(result < 0 ? TELL_FAILURE : TELL_READY);
  if (result == 0) answer_questions();
  _exit(result < 0 ? 1 : 0);
}
