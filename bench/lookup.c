/* lookup NAME SECONDS: asks 127.0.0.11 for an address of NAME, one question after the other; prints answers for each second. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 12, MESSAGE = 512, MAX_NAME = 200 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* RFC 1035, 4.1: one question, of type A and class IN. */
static size_t question(unsigned char *message, const char *name) {
  static const unsigned char header[HEADER] = {0, 0, 1, 0, 0, 1};
  static const unsigned char tail[] = {0, 0, 1, 0, 1};
  memcpy(message, header, HEADER);
  size_t at = HEADER;
  while (*name != '\0') {
    size_t length = strcspn(name, ".");
    message[at++] = (unsigned char)length;
    memcpy(message + at, name, length);
    at += length;
    name += length + (name[length] == '.');
  }
  memcpy(message + at, tail, sizeof tail);
  return at + sizeof tail;
}

int main(int argc, char **argv) {
  if (argc != 3 || strlen(argv[1]) > MAX_NAME) return 2;
  unsigned char asked[MESSAGE], answer[MESSAGE];
  size_t size = question(asked, argv[1]);
  double seconds = atof(argv[2]);
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
  if (inet_pton(AF_INET, "127.0.0.11", &server.sin_addr) != 1) return 1;
  int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct timeval patience = {.tv_sec = 5};
  if (udp < 0 || connect(udp, (struct sockaddr *)&server, sizeof server) < 0 ||
      setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) {
    perror("lookup");
    return 1;
  }
  unsigned long answers = 0;
  double begun = now(), spent = 0;
  while (spent < seconds) {
    asked[0] = (unsigned char)(answers >> 8);
    asked[1] = (unsigned char)answers;
    ssize_t got = write(udp, asked, size) < 0 ? -1 : read(udp, answer, sizeof answer);
    if (got < HEADER) {
      perror("lookup: no answer");
      return 1;
    }
    if (answer[0] != asked[0] || answer[1] != asked[1]) continue; /* of an earlier question */
    if ((answer[3] & 15) != 0 || (answer[6] | answer[7]) == 0) {
      fprintf(stderr, "lookup: response code %d, no address of %s\n", answer[3] & 15, argv[1]);
      return 1;
    }
    answers++;
    spent = now() - begun;
  }
  printf("%.0f\n", (double)answers / spent);
  close(udp);
  return 0;
}
