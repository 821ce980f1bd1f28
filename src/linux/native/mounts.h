/* The steps that build the new root. Each returns 0, or -1 with the failure noted. */
#ifndef CORACLE_MOUNTS_H
#define CORACLE_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

/* Notes errno in words that do not mislead; returns -1. */
int mount_failed(const char *doing, const char *object);
/* One option of a file system context; without a value it is a flag. */
int configure(int context, const char *key, const char *value);
/* Options of the form `key=value,flag`. */
int configure_all(int context, const char *data);
/* Makes the configured file system; answers its detached mount. */
int make_mount(int context, uint64_t attributes, const char *object);
int place_mount(int mount, int target, const char *object);
int set_attributes(int mount, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, const char *object);

int step_propagation(struct reader *args);
/* These two answer the descriptor of the new root. */
int step_root_overlay(struct reader *args);
int step_root_bind(struct reader *args);

int step_mount(int root, struct reader *args);
int step_bind(int root, struct reader *args);
int step_overlay(int root, struct reader *args);
int step_remount(int root, struct reader *args);
int step_mask(int root, struct reader *args);
int step_read_only(int root, struct reader *args);
int step_hold(int root, struct reader *args);
int step_mkdir(int root, struct reader *args);
int step_symlink(int root, struct reader *args);
int step_mknod(int root, struct reader *args);
int step_move_root(int root, struct reader *args);

#endif
