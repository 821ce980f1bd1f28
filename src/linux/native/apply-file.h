/* The one file that is being written. */
#ifndef CORACLE_APPLY_FILE_H
#define CORACLE_APPLY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tree.h"

/* Takes the fresh, empty file over; `path` is for messages. It gets its attributes when its content is complete. */
int file_begin(int fd, const char *path, uint64_t size, struct attributes attributes, bool set_owner);
/* The same with a file that is mounted there: it stays the file it is, with its owner and permissions, and is emptied. */
int file_rewrite(int parent, const char *name, const char *path, uint64_t size, struct attributes attributes);
bool file_is_open(void);
int file_write(const uint8_t *data, size_t size);
int file_skip(uint64_t size);
/* After the last byte: size, owner and mode. Later writes would take file capabilities and set-id bits away. */
int file_settle(bool ignore_owners);
int file_descriptor(void);
int file_end(bool ignore_owners);

#endif
