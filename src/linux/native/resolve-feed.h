/* What a responder tells its supervisor, one message each. The supervisor believes none of it. */
#ifndef CORACLE_RESOLVE_FEED_H
#define CORACLE_RESOLVE_FEED_H

#include <stdint.h>

#define MAX_FEEDS 32

/* An address that may be reached from now on. */
struct feed {
  uint8_t family;   /* 4 or 6 */
  uint8_t protocol; /* 6, 17; 0: any, with any port */
  uint16_t port;
  uint32_t ttl; /* seconds */
  uint8_t address[16];
};

enum { TELL_READY = 'R', TELL_FAILURE = 'F', TELL_ADDRESSES = 'A', TELL_REFUSED = 'N' };

struct tell {
  uint8_t kind;
  uint8_t count;   /* of feeds, or bytes of text */
  uint16_t unused; /* 0 */
  uint32_t serial; /* comes back in the acknowledgement of addresses */
  union {
    struct feed feeds[MAX_FEEDS];
    char text[256];
  };
};

struct acknowledgement {
  uint32_t serial;
  uint32_t done; /* 1: they can be reached now */
};

#endif
