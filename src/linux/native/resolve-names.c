#include "resolve-names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fail.h"

#define MAX_CONFIG (64u << 10)
#define MAX_NAMES (1u << 20)

bool next_line(const char **at, const char *end, struct span *line) {
  if (*at >= end) return false;
  const char *feed = memchr(*at, '\n', (size_t)(end - *at));
  *line = (struct span){*at, (size_t)((feed == NULL ? end : feed) - *at)};
  *at = feed == NULL ? end : feed + 1;
  return true;
}

bool next_word(struct span *line, struct span *word) {
  while (line->size > 0 && *line->text == ' ') line->text++, line->size--;
  if (line->size == 0) return false;
  const char *space = memchr(line->text, ' ', line->size);
  *word = (struct span){line->text, space == NULL ? line->size : (size_t)(space - line->text)};
  line->text += word->size;
  line->size -= word->size;
  return true;
}

static bool is_same(const struct mapping *mapping, const struct stat *status) {
  return mapping->text != NULL && mapping->inode == status->st_ino && mapping->device == status->st_dev &&
         mapping->changed.tv_sec == status->st_mtim.tv_sec && mapping->changed.tv_nsec == status->st_mtim.tv_nsec &&
         mapping->size == (size_t)status->st_size;
}

static void forget(struct mapping *mapping) {
  if (mapping->size > 0) munmap((void *)(uintptr_t)mapping->text, mapping->size);
  *mapping = (struct mapping){0};
}

/* True when it is another file than before, or there is none any more. Mapped, not read: pages of a file are nobody's own memory. */
static bool map_again(struct mapping *mapping, int directory, const char *path, size_t limit) {
  struct stat status;
  bool there = fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && is_same(mapping, &status)) return false;
  bool had = mapping->text != NULL;
  cleanup_fd int fd = there ? openat(directory, path, READ_FLAGS) : -1;
  if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > (off_t)limit) {
    forget(mapping);
    return had;
  }
  size_t size = (size_t)status.st_size;
  const char *text = size == 0 ? "" : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  forget(mapping);
  if (text != MAP_FAILED) *mapping = (struct mapping){text, size, status.st_dev, status.st_ino, status.st_mtim};
  return true;
}

static bool is_id(const struct span *word) {
  if (word->size == 0 || word->size > 64 || word->text[0] == '.') return false;
  for (size_t i = 0; i < word->size; i++) {
    if (!isalnum((unsigned char)word->text[i]) && strchr("_.-", word->text[i]) == NULL) return false;
  }
  return true;
}

/* 10.0.0.1, 10.0.0.1:53, fd00::1, [fd00::1]:53 */
static bool read_upstream(const struct span *word, struct upstream *upstream) {
  char copy[80], *host = copy, *port = NULL;
  if (word->size >= sizeof copy) return false;
  memcpy(copy, word->text, word->size);
  copy[word->size] = '\0';
  if (copy[0] == '[') {
    char *bracket = strchr(copy, ']');
    if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':')) return false;
    host = copy + 1;
    port = bracket[1] == ':' ? bracket + 2 : NULL;
    *bracket = '\0';
  } else if (strchr(copy, ':') != NULL && strchr(copy, ':') == strrchr(copy, ':')) {
    port = strchr(copy, ':') + 1;
    port[-1] = '\0';
  }
  char *end = "";
  unsigned long number = port == NULL ? 53 : strtoul(port, &end, 10);
  if (*end != '\0' || number == 0 || number > 65535) return false;
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number)};
  *upstream = (struct upstream){0};
  if (inet_pton(AF_INET, host, &four.sin_addr) == 1) memcpy(&upstream->address, &four, upstream->size = sizeof four);
  else if (inet_pton(AF_INET6, host, &six.sin6_addr) == 1) memcpy(&upstream->address, &six, upstream->size = sizeof six);
  return upstream->size > 0;
}

void read_config(struct names *names, const char *text, size_t size) {
  struct span line, key, value;
  for (unsigned i = 0; i < names->network_count; i++) forget(&names->networks[i].names);
  names->network_count = names->upstream_count = 0;
  names->internal = false;
  for (const char *at = text, *end = text + size; next_line(&at, end, &line);) {
    if (!next_word(&line, &key)) continue;
    if (word_is(&key, "internal")) names->internal = true;
    if (!next_word(&line, &value)) continue;
    if (word_is(&key, "network") && names->network_count < MAX_NETWORKS && is_id(&value)) {
      char *file = names->networks[names->network_count++].file;
      snprintf(file, sizeof names->networks[0].file, "%.*s/names", (int)value.size, value.text);
    }
    bool upstream = word_is(&key, "upstream") && names->upstream_count < MAX_UPSTREAMS;
    if (upstream && read_upstream(&value, &names->upstreams[names->upstream_count])) names->upstream_count++;
  }
}

bool refresh_names(struct names *names) {
  struct mapping *config = &names->config;
  if (map_again(config, names->directory, "config", MAX_CONFIG) && config->text != NULL)
    read_config(names, config->text, config->size);
  for (unsigned i = 0; i < names->network_count; i++)
    map_again(&names->networks[i].names, names->networks_directory, names->networks[i].file, MAX_NAMES);
  return config->text != NULL;
}

/* ADDRESS4|- ADDRESS6|- NAME… */
static bool read_entry(struct span *line, struct span addresses[2]) {
  return next_word(line, &addresses[0]) && next_word(line, &addresses[1]);
}

static bool read_address(const struct span *word, int family, uint8_t address[16]) {
  char copy[INET6_ADDRSTRLEN];
  if (word->size >= sizeof copy) return false;
  memcpy(copy, word->text, word->size);
  copy[word->size] = '\0';
  return inet_pton(family, copy, address) == 1;
}

static void take_entry(struct span line, const char *name, int family, struct found *found) {
  struct span addresses[2];
  const char *where = name;
  if (!read_entry(&line, addresses) || where < line.text) return; /* an address is not a name */
  found->known = true;
  if (found->count == MAX_FOUND) return;
  if (read_address(&addresses[family == AF_INET6], family, found->addresses[found->count])) found->count++;
}

static void find_in(const struct mapping *file, const char *needle, size_t length, int family, struct found *found) {
  const char *at = file->text, *end = file->text + file->size;
  for (const char *hit; at < end && (hit = memmem(at, (size_t)(end - at), needle, length)) != NULL;) {
    const char *behind = hit + length;
    at = behind;
    if (behind < end && *behind != ' ' && *behind != '\n') continue;
    const char *feed = memrchr(file->text, '\n', (size_t)(hit - file->text));
    const char *start = feed == NULL ? file->text : feed + 1, *stop = memchr(behind, '\n', (size_t)(end - behind));
    if (stop == NULL) stop = end;
    take_entry((struct span){start, (size_t)(stop - start)}, hit, family, found);
    at = stop; /* a line that says a name twice is one container all the same */
  }
}

void find_addresses(const struct names *names, const char *name, int family, struct found *found) {
  char needle[260];
  found->known = false;
  found->count = 0;
  size_t length = (size_t)snprintf(needle, sizeof needle, " %s", name);
  if (length < 2 || length >= sizeof needle) return;
  for (unsigned i = 0; i < names->network_count; i++) {
    if (names->networks[i].names.size > 0) find_in(&names->networks[i].names, needle, length, family, found);
  }
}

const char *find_owner(const struct names *names, int family, const uint8_t *address, size_t *length) {
  struct span line, addresses[2], name;
  uint8_t own[16];
  for (unsigned i = 0; i < names->network_count; i++) {
    const struct mapping *file = &names->networks[i].names;
    for (const char *at = file->text, *end = at + file->size; next_line(&at, end, &line);) {
      if (!read_entry(&line, addresses) || !next_word(&line, &name)) continue;
      if (!read_address(&addresses[family == AF_INET6], family, own)) continue;
      if (memcmp(own, address, family == AF_INET6 ? 16 : 4) != 0) continue;
      *length = name.size;
      return name.text;
    }
  }
  return NULL;
}

static bool ends_with(const char *name, const char *end) {
  size_t length = strlen(name), tail = strlen(end);
  return length > tail && strcmp(name + length - tail, end) == 0;
}

int read_reverse(const char *name, uint8_t address[16]) {
  if (ends_with(name, ".in-addr.arpa")) {
    for (int i = 0; i < 4; i++) {
      char *end;
      unsigned long part = isdigit((unsigned char)*name) ? strtoul(name, &end, 10) : 256;
      if (part > 255 || end - name > 3 || *end != '.') return 0;
      address[3 - i] = (uint8_t)part;
      name = end + 1;
    }
    if (strcmp(name, "in-addr.arpa") != 0) return 0;
    return AF_INET;
  }
  if (!ends_with(name, ".ip6.arpa") || strlen(name) != 64 + strlen("ip6.arpa")) return 0;
  memset(address, 0, 16);
  for (int i = 0; i < 32; i++) {
    char digit = name[2 * i];
    if (!isxdigit((unsigned char)digit) || name[2 * i + 1] != '.') return 0;
    int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
    address[15 - i / 2] |= (uint8_t)(value << (i % 2 == 0 ? 0 : 4));
  }
  return AF_INET6;
}
