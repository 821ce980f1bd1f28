#include "blake2.h"

#include <stdbool.h>
#include <string.h>

#define PURPOSE 6 /* the half of the chain that takes the personalization */

static const uint64_t start[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotate(uint64_t value, int bits) { return value >> bits | value << (64 - bits); }

static inline void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, const uint64_t words[2]) {
  *a += *b + words[0];
  *d = rotate(*d ^ *a, 32);
  *c += *d;
  *b = rotate(*b ^ *c, 24);
  *a += *b + words[1];
  *d = rotate(*d ^ *a, 16);
  *c += *d;
  *b = rotate(*b ^ *c, 63);
}

static void compress(struct blake2 *state, const uint8_t *block, bool last) {
  uint64_t words[16], v[16];
  for (int i = 0; i < 16; i++) {
    words[i] = 0;
    for (int byte = 7; byte >= 0; byte--) words[i] = words[i] << 8 | block[i * 8 + byte];
  }
  memcpy(v, state->chain, sizeof state->chain);
  memcpy(v + 8, start, sizeof start);
  v[12] ^= state->length;
  if (last) v[14] = ~v[14];
#pragma GCC unroll 12
  for (int round = 0; round < 12; round++) {
    const uint8_t *at = order[round % 10];
    uint64_t m[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) m[i] = words[at[i]];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) mix(&v[i], &v[4 + i], &v[8 + i], &v[12 + i], m + 2 * i);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) mix(&v[i], &v[4 + (i + 1) % 4], &v[8 + (i + 2) % 4], &v[12 + (i + 3) % 4], m + 8 + 2 * i);
  }
  for (int i = 0; i < 8; i++) state->chain[i] ^= v[i] ^ v[i + 8];
}

void blake2_begin(struct blake2 *state, uint64_t purpose) {
  *state = (struct blake2){.length = 0};
  memcpy(state->chain, start, sizeof start);
  state->chain[0] ^= 0x01010000 | 64; /* one lane, no key, 64 bytes */
  state->chain[PURPOSE] ^= purpose;
}

/* The last block is kept back: it is told apart. */
void blake2_add(struct blake2 *state, const void *data, size_t size) {
  for (const uint8_t *at = data; size > 0;) {
    if (state->used == sizeof state->block) {
      state->length += state->used;
      compress(state, state->block, false);
      state->used = 0;
    }
    if (state->used == 0 && size > sizeof state->block) {
      state->length += sizeof state->block;
      compress(state, at, false);
      at += sizeof state->block;
      size -= sizeof state->block;
      continue;
    }
    size_t room = sizeof state->block - state->used, part = size < room ? size : room;
    memcpy(state->block + state->used, at, part);
    state->used += part;
    at += part;
    size -= part;
  }
}

void blake2_end(struct blake2 *state, uint8_t digest[BLAKE2_DIGEST]) {
  state->length += state->used;
  memset(state->block + state->used, 0, sizeof state->block - state->used);
  compress(state, state->block, true);
  for (int i = 0; i < BLAKE2_DIGEST; i++) digest[i] = (uint8_t)(state->chain[i / 8] >> i % 8 * 8);
}
