/* The apply job: file-system steps below one directory. */
#ifndef CORACLE_APPLY_H
#define CORACLE_APPLY_H

#include "tree.h"
#include "wire.h"

/* Record codes of apply.ts. */
enum apply_step {
  APPLY_USER_NAMESPACE = 1, APPLY_DIRECTORY, APPLY_FILE, APPLY_DATA, APPLY_HOLE, APPLY_END, APPLY_SYMLINK, APPLY_HARD_LINK,
  APPLY_NODE, APPLY_WHITEOUT, APPLY_XATTR, APPLY_FINISH, APPLY_REMOVE, APPLY_OPAQUE, APPLY_SPREAD,
  APPLY_MERGE, APPLY_CLONE,
};

extern struct tree apply_tree;
/* What APPLY_CLONE copies from; -1: nothing. */
extern int apply_source;
/* A file of it was not what it had been when the step was written. */
extern bool apply_sources_changed;

/* One step, but for APPLY_DATA. */
int apply_step(uint32_t code, struct reader *args);
/* Files of another directory, as steps of their own. */
int apply_clone(struct reader *args);
/* For a new entry: its directory is `apply_tree.parent`. */
int place_entry(const char *path, const char **name);
/* A fresh, empty file where the entry is to be; what stands there makes way. */
int make_file(const char *path, const char *name);
/* What extended attributes that follow are for: nothing, or the entry of this name. */
void skip_entry(void);
int name_entry(const char *path);
struct attributes read_attributes(struct reader *args);
/* Content of the file that is being written, in pieces of any size. */
int apply_data(const uint8_t *data, size_t size);
/* The times that a directory is to have in the end. */
int keep_times(const char *path, struct timespec modified);
int set_kept_times(void);
/* Every file is whole and directories have their times. */
bool apply_is_finished(void);

/* Goes on in a child inside a new user namespace. Returns in the child only; this process ends as the child does. */
int apply_in_user_namespace(struct reader *args);
/* Says on descriptor 1 which step failed. Returns 1. */
int apply_report(unsigned step);

#endif
