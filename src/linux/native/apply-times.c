/* Times of directories, which every entry made inside of them changes: they are set when all is done. */
#include <fcntl.h>
#include <string.h>

#include "apply.h"
#include "fail.h"

#define tree apply_tree
#define SAME_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static struct directory_times {
  char *path;
  struct timespec modified;
} *directories;
static size_t directory_count;

int keep_times(const char *path, struct timespec modified) {
  if ((directory_count & (directory_count - 1)) == 0) { /* full at each power of two */
    size_t capacity = directory_count == 0 ? 1 : directory_count * 2;
    struct directory_times *larger = realloc(directories, capacity * sizeof *larger);
    if (larger == NULL) return fail("realloc", path);
    directories = larger;
  }
  char *copy = strdup(path);
  if (copy == NULL) return fail("strdup", path);
  directories[directory_count++] = (struct directory_times){copy, modified};
  return 0;
}

int set_kept_times(void) {
  tree.parent_stale = true;
  for (size_t i = 0; i < directory_count; i++) {
    const struct directory_times *kept = &directories[i];
    const char *name = ".";
    int parent = *kept->path == '\0' ? tree.root : tree_parent(&tree, kept->path, &name);
    /* a later entry may have replaced it by something else */
    cleanup_fd int directory = parent < 0 ? -1 : openat(parent, name, SAME_DIRECTORY);
    struct timespec times[2] = {kept->modified, kept->modified};
    if (directory >= 0 && futimens(directory, times) < 0) return fail("futimens", kept->path);
    free(kept->path);
  }
  free(directories);
  directories = NULL;
  directory_count = 0;
  return 0;
}
