/* The steps that build the new root. Each returns 0, or -1 with the failure noted. */
#ifndef CORACLE_MOUNTS_H
#define CORACLE_MOUNTS_H

#include "wire.h"

int step_propagation(struct reader *args);
/* These two answer the descriptor of the new root. */
int step_root_overlay(struct reader *args);
int step_root_bind(struct reader *args);

int step_mount(int root, struct reader *args);
int step_bind(int root, struct reader *args);
int step_remount(int root, struct reader *args);
int step_mask(int root, struct reader *args);
int step_read_only(int root, struct reader *args);
int step_mkdir(int root, struct reader *args);
int step_symlink(int root, struct reader *args);
int step_mknod(int root, struct reader *args);
int step_move_root(int root, struct reader *args);

#endif
