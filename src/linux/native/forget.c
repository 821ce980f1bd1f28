#include "forget.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_PARTS = 8 };

struct parts {
  unsigned count;
  struct {
    uintptr_t from, to;
  } at[MAX_PARTS];
};

/* Parts that are written to (by relocations too) would lose that, so only those that never are. */
static int find_parts(struct dl_phdr_info *info, size_t size, void *into) {
  (void)size;
  struct parts *parts = into;
  uintptr_t in_page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  for (unsigned i = 0; i < info->dlpi_phnum && parts->count < MAX_PARTS; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0) continue;
    uintptr_t from = info->dlpi_addr + part->p_vaddr, to = from + part->p_memsz;
    parts->at[parts->count].from = from & ~in_page;
    parts->at[parts->count++].to = (to + in_page) & ~in_page;
  }
  return 1; /* the program is told of first, and libraries would follow */
}

void forget_pages(char *from, const char *to) {
  uintptr_t in_page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  uintptr_t first = ((uintptr_t)from + in_page) & ~in_page, end = (uintptr_t)to & ~in_page;
  if (first < end) madvise((void *)first, end - first, MADV_DONTNEED); /* where pages are locked it fails, and they stay */
}

void forget_code(void) {
  static struct parts parts; /* found once: to look needs the pages that it lets go of */
  if (parts.count == 0) dl_iterate_phdr(find_parts, &parts);
  for (unsigned i = 0; i < parts.count; i++) {
    forget_pages((char *)parts.at[i].from, (char *)parts.at[i].to);
  }
}
