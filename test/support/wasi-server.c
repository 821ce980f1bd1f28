/* A server for tests, on the socket that it is given as descriptor 3. What it does is its first argument. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wasi/api.h>

#define MAX 128
static char buffer[65536];

static const char *said(long result) { return result < 0 ? strerror(errno) : "done"; }

/* Answers so many connections, one after the other. */
static int serve_http(int count) {
  const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nserved";
  while (count-- > 0) {
    int peer = accept(3, NULL, NULL);
    if (peer < 0) return fprintf(stderr, "accept: %s\n", strerror(errno)), 1;
    recv(peer, buffer, sizeof buffer, 0);
    send(peer, answer, strlen(answer), 0);
    close(peer);
  }
  return 0;
}

/* Sends back what comes, to many at once, until so many have ended. */
static int echo(int count) {
  struct pollfd polled[MAX] = {{.fd = 3, .events = POLLIN}};
  struct { int size, sent; char *data; } pending[MAX] = {0};
  int used = 1;
  fcntl(3, F_SETFL, O_NONBLOCK);
  while (count > 0) {
    if (poll(polled, (nfds_t)used, -1) < 0) return fprintf(stderr, "poll: %s\n", strerror(errno)), 1;
    for (int peer; used < MAX && (peer = accept4(3, NULL, NULL, SOCK_NONBLOCK)) >= 0; used++) {
      polled[used] = (struct pollfd){.fd = peer, .events = POLLIN};
      pending[used].data = malloc(sizeof buffer);
      pending[used].size = pending[used].sent = 0;
    }
    for (int i = 1; i < used; i++) {
      if (polled[i].revents == 0) continue;
      if (pending[i].sent == pending[i].size) {
        ssize_t size = recv(polled[i].fd, pending[i].data, sizeof buffer, 0);
        if (size < 0 && errno == EAGAIN) continue;
        if (size <= 0) {
          close(polled[i].fd);
          free(pending[i].data);
          polled[i] = polled[--used];
          pending[i] = pending[used];
          i--;
          count--;
          continue;
        }
        pending[i].size = (int)size;
        pending[i].sent = 0;
      }
      ssize_t sent = send(polled[i].fd, pending[i].data + pending[i].sent, (size_t)(pending[i].size - pending[i].sent), 0);
      if (sent > 0) pending[i].sent += (int)sent;
      polled[i].events = pending[i].sent == pending[i].size ? POLLIN : POLLOUT;
    }
  }
  return 0;
}

/* Reads to the end of what one peer sends, then says how much it was, and to it as many bytes. */
static int count_bytes(void) {
  int peer = accept(3, NULL, NULL);
  long total = 0;
  for (ssize_t size; (size = read(peer, buffer, sizeof buffer)) > 0;) total += size;
  for (long left = total; left > 0;) {
    ssize_t sent = write(peer, buffer, left < (long)sizeof buffer ? (size_t)left : sizeof buffer);
    if (sent < 0) return fprintf(stderr, "write: %s\n", strerror(errno)), 1;
    left -= sent;
  }
  printf("%ld\n", total);
  return 0;
}

/* A peer that goes away: what reading and writing say. */
static int outlive(void) {
  int peer = accept(3, NULL, NULL);
  send(peer, "go", 2, 0);
  ssize_t got = 1;
  while (got > 0) got = recv(peer, buffer, sizeof buffer, 0);
  printf("recv: %s\n", got == 0 ? "end" : said(got));
  for (long sent = 0; sent >= 0;) sent = send(peer, buffer, sizeof buffer, 0);
  printf("send: %s\n", strerror(errno));
  close(peer);
  return serve_http(1);
}

/* Flags and halves. */
static int details(void) {
  fcntl(3, F_SETFL, O_NONBLOCK);
  int none = accept(3, NULL, NULL);
  printf("accept: %s\n", said(none));
  printf("ready: ");
  fflush(stdout);
  fcntl(3, F_SETFL, 0);
  int peer = accept4(3, NULL, NULL, SOCK_NONBLOCK);
  ssize_t size;
  while ((size = recv(peer, buffer, 4, MSG_PEEK)) < 0 && errno == EAGAIN) poll(&(struct pollfd){.fd = peer, .events = POLLIN}, 1, -1);
  printf("%.*s ", (int)size, buffer);
  fflush(stdout);
  fcntl(peer, F_SETFL, 0);
  size = recv(peer, buffer, 8, MSG_WAITALL);
  printf("%.*s\n", (int)size, buffer);
  struct { __wasi_fdstat_t stat; } seen;
  if (__wasi_fd_fdstat_get(peer, &seen.stat) != 0) return 1;
  printf("type: %d\n", seen.stat.fs_filetype);
  printf("seek: %s\n", said(lseek(peer, 0, SEEK_CUR)));
  printf("shutdown: %s\n", said(shutdown(peer, SHUT_WR)));
  printf("send: %s\n", said(send(peer, "x", 1, 0)));
  printf("close: %s\n", said(close(peer)));
  printf("closed: %s\n", said(send(peer, "x", 1, 0)));
  return 0;
}

/* Calls for sockets on what is none, and nonsense on what is one. */
static int nonsense(void) {
  __wasi_fd_t made;
  __wasi_size_t size;
  __wasi_roflags_t flags;
  __wasi_iovec_t to = {(uint8_t *)buffer, 8};
  __wasi_ciovec_t from = {(const uint8_t *)buffer, 8};
  int fds[] = {0, 1, 4, 99};
  for (int i = 0; i < 4; i++)
    printf("%d: %d %d %d %d\n", fds[i], __wasi_sock_accept(fds[i], 0, &made), __wasi_sock_recv(fds[i], &to, 1, 0, &size, &flags),
           __wasi_sock_send(fds[i], &from, 1, 0, &size), __wasi_sock_shutdown(fds[i], 1));
  printf("3: %d %d %d %d %d\n", __wasi_sock_recv(3, &to, 1, 0, &size, &flags), __wasi_sock_send(3, &from, 1, 0, &size),
         __wasi_sock_shutdown(3, 1), __wasi_sock_accept(3, 4096, &made), __wasi_fd_seek(3, 0, 0, (__wasi_filesize_t *)buffer));
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  int count = argc > 2 ? atoi(argv[2]) : 1;
  fprintf(stderr, "LISTEN_FDS=%s\n", getenv("LISTEN_FDS"));
  if (strcmp(what, "http") == 0) return serve_http(count);
  if (strcmp(what, "echo") == 0) return echo(count);
  if (strcmp(what, "count") == 0) return count_bytes();
  if (strcmp(what, "outlive") == 0) return outlive();
  if (strcmp(what, "details") == 0) return details();
  return nonsense();
}
