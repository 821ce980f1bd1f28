/* One directory tree that untrusted names are applied to. Nothing is ever touched outside of it. */
#ifndef CORACLE_TREE_H
#define CORACLE_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct tree {
  int root;
  bool ignore_owners; /* a user namespace may not hold all ids: what it lacks becomes its own */
  int parent;         /* of the last path; archives list neighbours together */
  bool parent_stale;  /* something on the way to it may have been replaced */
  bool parent_sets_group;
  size_t parent_length;
  char parent_path[PATH_MAX];
};

struct attributes {
  uint32_t mode, uid, gid;
  struct timespec modified;
};

/* The parent directory of `path`, made where missing; `*name` is its last component. The tree keeps the descriptor. */
int tree_parent(struct tree *tree, const char *path, const char **name);
/* Makes room for a new entry in the last parent: what is there goes, a directory with all that is in it. */
int tree_remove(struct tree *tree, const char *name);
/* Something is mounted on it. To remove it from here, another mount namespace, would take the mount away unasked. */
bool tree_is_mount_point(const struct tree *tree, const char *name);
/* For fresh entries in the last parent, which belong to this process until now. */
int tree_set_owner(const struct tree *tree, const char *name, struct attributes attributes);
bool tree_needs_owner(const struct tree *tree, struct attributes attributes);
int tree_set_times(int parent, const char *name, struct timespec modified);

#endif
