/* BLAKE2b-512 (RFC 7693), cut to its first half: a digest that is fast on every processor. */
#ifndef CORACLE_BLAKE2_H
#define CORACLE_BLAKE2_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE2_DIGEST 32

struct blake2 {
  uint64_t chain[8], length;
  size_t used;
  uint8_t block[128];
};

/* Digests for different purposes (0: the plain one) have nothing in common. */
void blake2_begin(struct blake2 *state, uint64_t purpose);
void blake2_add(struct blake2 *state, const void *data, size_t size);
void blake2_end(struct blake2 *state, uint8_t digest[BLAKE2_DIGEST]);

#endif
