#include "moment.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct date {
  int year;
  unsigned month, day;
};

/* Gregorian, of days since 1970, with years that begin in March. Not gmtime_r: time zones and scanf come along with it. */
static struct date date_of(int64_t days) {
  days += 719468; /* to 0000-03-01 */
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  unsigned day_of_era = (unsigned)(days - era * 146097);
  unsigned year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  unsigned day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
  unsigned shifted = (5 * day_of_year + 2) / 153;
  unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return (struct date){(int)(era * 400 + year + (month <= 2)), month, day_of_year - (153 * shifted + 2) / 5 + 1};
}

static size_t seconds_text(char *to, size_t size, int64_t seconds) {
  unsigned of_day = (unsigned)(((seconds % 86400) + 86400) % 86400);
  struct date date = date_of((seconds - of_day) / 86400);
  int used = snprintf(to, size, "%04d-%02u-%02uT%02u:%02u:%02u", date.year, date.month, date.day, of_day / 3600, of_day / 60 % 60, of_day % 60);
  return used < 0 || (size_t)used >= size ? 0 : (size_t)used;
}

size_t time_stamp(char to[TIME_STAMP_SIZE]) {
  static struct {
    time_t second;
    size_t size;
    char text[32];
  } known; /* the part of it that seldom changes */
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (known.size == 0 || known.second != now.tv_sec) {
    known.size = seconds_text(known.text, sizeof known.text, now.tv_sec);
    known.second = now.tv_sec;
  }
  size_t used = known.size;
  memcpy(to, known.text, used);
  if (now.tv_nsec != 0) {
    to[used] = '.';
    long rest = now.tv_nsec;
    for (int digit = 9; digit > 0; digit--, rest /= 10) to[used + (size_t)digit] = (char)('0' + rest % 10);
    used += 10;
    while (to[used - 1] == '0') used--; /* RFC3339Nano drops trailing zeros */
  }
  to[used++] = 'Z';
  return used;
}
