/**
 * A module that does to files what its arguments say, and tells what came of it, a line each: `r:PATH` reads the first line, `w:PATH`
 * writes, `a:PATH` appends, `l:PATH` lists, `u:PATH` unlinks, `d:PATH` makes a directory, `s:TARGET>PATH` links, `m:FROM>TO` renames, `e:NAME` tells a variable,
 * `f:PATH` writes until that fails, `p:` tells the names of the directories it was given.
 */
import { moduleFromC } from './wasm.ts'

const SOURCE = String.raw`
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

static char block[65536];

static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void list(const char *path) {
  DIR *directory = opendir(path);
  char *names[256];
  int count = 0;
  if (directory == NULL) { puts(strerror(errno)); return; }
  for (struct dirent *entry; count < 256 && (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
  qsort(names, count, sizeof *names, compare);
  for (int i = 0; i < count; i++) printf("%s%s", i ? " " : "", names[i]);
  puts("");
  closedir(directory);
}

static void fill(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT, 0644);
  long written = 0, got;
  while ((got = write(fd, block, sizeof block)) > 0) written += got;
  printf("%s after %ld MiB\n", strerror(errno), written >> 20);
  close(fd);
}

static void list_given(void) {
  __wasi_prestat_t given;
  char name[256];
  for (int fd = 3; __wasi_fd_prestat_get(fd, &given) == 0; fd++) {
    size_t length = given.u.dir.pr_name_len;
    if (length < sizeof name && __wasi_fd_prestat_dir_name(fd, (uint8_t *)name, length) == 0)
      printf("%s%.*s", fd == 3 ? "" : " ", (int)length, name);
  }
  puts("");
}

static void act(char what, char *path) {
  char line[256] = "";
  char *second = strchr(path, '>');
  if (second != NULL) *second++ = 0;
  printf("%c:%s: ", what, path);
  errno = 0;
  if (what == 'r') {
    FILE *file = fopen(path, "r");
    if (file == NULL || (fgets(line, sizeof line, file) == NULL && errno)) puts(strerror(errno));
    else { line[strcspn(line, "\n")] = 0; puts(line); }
    if (file) fclose(file);
  } else if (what == 'w' || what == 'a') {
    FILE *file = fopen(path, what == 'w' ? "w" : "a");
    if (file == NULL || fputs("written\n", file) < 0 || fclose(file) != 0) puts(strerror(errno));
    else puts("ok");
  } else if (what == 'l') list(path);
  else if (what == 'u') puts(unlink(path) ? strerror(errno) : "ok");
  else if (what == 'd') puts(mkdir(path, 0755) ? strerror(errno) : "ok");
  else if (what == 's') puts(symlink(path, second) ? strerror(errno) : "ok");
  else if (what == 'm') puts(rename(path, second) ? strerror(errno) : "ok");
  else if (what == 'e') puts(getenv(path) ? getenv(path) : "(none)");
  else if (what == 'f') fill(path);
  else if (what == 'p') list_given();
}

int main(int count, char **words) {
  for (int i = 1; i < count; i++) act(words[i][0], words[i] + 2);
  fflush(stdout);
  return 0;
}`

let built: Promise<Buffer> | undefined

/** Compiled once for all tests of a process. */
export function fileModule(): Promise<Buffer> {
  built ??= moduleFromC(SOURCE)
  return built
}
