/* What the responder knows: its configuration and the names of its networks, files that TypeScript replaces as a whole. */
#ifndef CORACLE_RESOLVE_NAMES_H
#define CORACLE_RESOLVE_NAMES_H

#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) /* of all files; no others are let through */
#define MAX_NETWORKS 8
#define MAX_UPSTREAMS 3
#define MAX_FOUND 256 /* addresses of one name */

/* A file as it was when it was last looked at. */
struct mapping {
  const char *text; /* NULL: there is none */
  size_t size;
  dev_t device;
  ino_t inode;
  struct timespec changed;
};

struct upstream {
  struct sockaddr_storage address;
  socklen_t size;
};

struct names {
  int directory, networks_directory;
  struct mapping config;
  struct {
    char file[80]; /* ID/names */
    struct mapping names;
  } networks[MAX_NETWORKS];
  unsigned network_count, upstream_count;
  struct upstream upstreams[MAX_UPSTREAMS];
  bool internal;
};

/* Looks at the files again if they are others than before. False when there is no configuration. */
bool refresh_names(struct names *names);
/* Reads a configuration; lines that make no sense say nothing. */
void read_config(struct names *names, const char *text, size_t size);

struct found {
  bool known;
  unsigned count;
  uint8_t addresses[MAX_FOUND][16];
};
/* Addresses (of 4 or 16 bytes) of all that bear a name; lower case. */
void find_addresses(const struct names *names, const char *name, int family, struct found *found);
/* The first name of who has an address; NULL when nobody has. */
const char *find_owner(const struct names *names, int family, const uint8_t *address, size_t *length);
/* 4.3.2.1.in-addr.arpa or nibbles.ip6.arpa: the family, 0 for other names. */
int read_reverse(const char *name, uint8_t address[16]);

/* A line without its line feed; the next call goes on behind it. */
struct span {
  const char *text;
  size_t size;
};
bool next_line(const char **at, const char *end, struct span *line);
/* The next word of a line, which gets shorter by it. */
bool next_word(struct span *line, struct span *word);
static inline bool word_is(const struct span *word, const char *text) {
  return word->size == __builtin_strlen(text) && __builtin_memcmp(word->text, text, word->size) == 0;
}

#endif
