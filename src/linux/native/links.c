/* Which files of a walk have been seen under another name. */
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "fail.h"

struct link {
  dev_t device;
  ino_t inode;
  char *path;
};

/* Files with several names, by device and inode: open addressing. */
static struct {
  struct link *slots;
  size_t capacity, used;
} links;

static struct link *slot_of(dev_t device, ino_t inode) {
  size_t at = (size_t)(((uint64_t)inode * 0x9e3779b97f4a7c15u) ^ device) & (links.capacity - 1);
  while (links.slots[at].path != NULL && (links.slots[at].device != device || links.slots[at].inode != inode))
    at = (at + 1) & (links.capacity - 1);
  return &links.slots[at];
}

static int grow_links(void) {
  struct link *old = links.slots;
  size_t count = links.capacity;
  links.capacity = count == 0 ? 256 : count * 2;
  links.slots = calloc(links.capacity, sizeof *links.slots);
  if (links.slots == NULL) return fail("calloc", "hard links");
  for (size_t i = 0; i < count; i++) {
    if (old[i].path != NULL) *slot_of(old[i].device, old[i].inode) = old[i];
  }
  free(old);
  return 0;
}

const char *first_name(const struct stat *status, const char *path) {
  if (status->st_nlink < 2 || S_ISDIR(status->st_mode)) return "";
  if (links.used * 2 >= links.capacity && grow_links() < 0) return NULL;
  struct link *slot = slot_of(status->st_dev, status->st_ino);
  if (slot->path != NULL) return slot->path;
  char *copy = strdup(path);
  if (copy == NULL) return fail("strdup", path), NULL;
  *slot = (struct link){status->st_dev, status->st_ino, copy};
  links.used++;
  return "";
}
