/* Paths inside the new root. Whatever the image put there, no look-up leaves it. */
#ifndef CORACLE_ROOT_H
#define CORACLE_ROOT_H

#include <stdint.h>
#include <sys/types.h>

enum create { CREATE_NONE, CREATE_DIRECTORY, CREATE_FILE };

/* An O_PATH descriptor of `path` inside `root`; what is missing is made as `create` says, parents as directories. */
int open_in_root(int root, const char *path, enum create create);
/* An O_PATH descriptor of the directory that holds `path`, made where missing; `*name` is the last component. */
int open_parent_in_root(int root, const char *path, const char **name);

#endif
