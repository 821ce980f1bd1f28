/* One directory tree that untrusted names are applied to. Nothing is ever touched outside of it. */
#ifndef CORACLE_TREE_H
#define CORACLE_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct tree {
  int root;
  bool ignore_owners; /* a user namespace of one id cannot hold others: they become its own */
  char parent_path[PATH_MAX];
  int parent; /* of the last path; archives list neighbours together */
};

struct attributes {
  uint32_t mode, uid, gid;
  struct timespec modified;
};

/* The parent directory of `path`, made where missing; `*name` is its last component. The tree keeps the descriptor. */
int tree_parent(struct tree *tree, const char *path, const char **name);
/* Makes room for a new entry: what is there goes, a directory with all that is in it. */
int tree_remove(int parent, const char *name);
int tree_set_owner(const struct tree *tree, int parent, const char *name, struct attributes attributes);
int tree_set_times(int parent, const char *name, struct timespec modified);

#endif
