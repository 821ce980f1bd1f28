/* Moments as text. */
#ifndef CORACLE_MOMENT_H
#define CORACLE_MOMENT_H

#include <stddef.h>

#define TIME_STAMP_SIZE 40
/* Now, as RFC 3339 has it with nanoseconds, without trailing zeros and without a NUL. Answers its length. */
size_t time_stamp(char to[TIME_STAMP_SIZE]);

#endif
