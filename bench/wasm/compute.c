/* What compute-heavy programs do: compute sieve|matrix|hash|sort. Prints a check sum. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRIMES_BELOW = 40000000, SIDE = 640, HASHED = 1 << 20, HASH_ROUNDS = 400, SORTED = 500000 };

static uint32_t sieve(void) {
    char *composite = calloc(PRIMES_BELOW, 1);
    uint32_t count = 0;
    for (uint32_t number = 2; number < PRIMES_BELOW; number++) {
        if (composite[number]) continue;
        count++;
        for (uint64_t multiple = (uint64_t)number * number; multiple < PRIMES_BELOW; multiple += number) composite[multiple] = 1;
    }
    return count;
}

static uint32_t matrix(void) {
    double *a = malloc(sizeof *a * SIDE * SIDE), *b = malloc(sizeof *b * SIDE * SIDE), sum = 0;
    for (int cell = 0; cell < SIDE * SIDE; cell++) a[cell] = cell % 13, b[cell] = cell % 7;
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) {
            double cell = 0;
            for (int k = 0; k < SIDE; k++) cell += a[row * SIDE + k] * b[k * SIDE + column];
            sum += cell;
        }
    return (uint32_t)sum;
}

static uint32_t hash(void) {
    uint8_t *bytes = malloc(HASHED);
    for (int at = 0; at < HASHED; at++) bytes[at] = (uint8_t)(at * 31);
    uint32_t state = 2166136261u;
    for (int round = 0; round < HASH_ROUNDS; round++)
        for (int at = 0; at < HASHED; at++) state = (state ^ bytes[at]) * 16777619u;
    return state;
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t sort(void) {
    uint32_t *numbers = malloc(sizeof *numbers * SORTED), state = 1;
    for (int at = 0; at < SORTED; at++) numbers[at] = state = state * 1664525u + 1013904223u;
    qsort(numbers, SORTED, sizeof *numbers, compare);
    return numbers[SORTED / 2];
}

int main(int argc, char **argv) {
    const char *kind = argc == 2 ? argv[1] : "";
    if (strcmp(kind, "sieve") == 0) printf("%u\n", sieve());
    else if (strcmp(kind, "matrix") == 0) printf("%u\n", matrix());
    else if (strcmp(kind, "hash") == 0) printf("%u\n", hash());
    else if (strcmp(kind, "sort") == 0) printf("%u\n", sort());
    else return 2;
    return 0;
}
