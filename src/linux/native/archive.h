/* The archive job: reads directory trees that others may be changing, without following a link of theirs. */
#ifndef CORACLE_ARCHIVE_H
#define CORACLE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Record codes of archive.ts, there and back. */
enum archive_request { ARCHIVE_USER_NAMESPACE = 1, ARCHIVE_STAT, ARCHIVE_WALK, ARCHIVE_MERGED, ARCHIVE_CHANGES, ARCHIVE_CONTENT, ARCHIVE_DIGEST, ARCHIVE_SUM };
enum archive_answer { ANSWER_STAT = 1, ANSWER_ENTRY, ANSWER_DATA, ANSWER_END, ANSWER_DIGEST };

/* What an entry is, compared with the layers below; SAME where nothing is compared. UNREADABLE: a directory told before may not be read. */
enum change { CHANGE_SAME, CHANGE_ADDED, CHANGE_CHANGED, CHANGE_DELETED, CHANGE_UNREADABLE };

/* An O_PATH descriptor and what it is; without one (-1) it is the entry of this name in the working directory. */
struct node {
  int fd;
  const char *name;
  struct stat status;
};

/* Answers are gathered and written in large pieces. Each returns -1 with the failure noted. */
void put_u32(uint32_t value);
void put_u64(uint64_t value);
void put_string(const char *text);
void put_bytes(const void *data, size_t size);
int begin_answer(uint32_t code);
int end_answer(void);
int put_content(const void *data, size_t size);
int flush_answers(void);

/* A number of the answer that is known only later. */
struct place {
  size_t at;
};
struct place put_later(void);
void put_at(struct place place, uint32_t value);

/* In between answers are not written but summed up; the sum is one then. */
int begin_sum(void);
int end_sum(void);

/* The entry with its attributes and, for a file, its content; a file that was seen under another name is a link to it. */
int emit_node(const struct node *node, const char *path, enum change change, bool with_content);
/* That of which nothing but the path is to be told. */
int emit_bare(const char *path, enum change change);
/* A regular file that has been opened, without its name and attributes. */
int emit_content(int file, const char *path);
/* The digest of its content, where it holds any data; of something else, or of nothing (-1), that there is none. */
int emit_digest(int file, const char *path);

/* The first name of a file that has several; "" when this is it. NULL with the failure noted. */
const char *first_name(const struct stat *status, const char *path);

/* True for /proc, /sys and their like: their files are no data, and reading some has effects. */
bool is_pseudo(int fd);
bool is_opaque(int fd);
/* A node whose content in the layers below counts under another name: nothing here understands that. */
bool is_redirected(const struct node *node);

/* A tree as it is mounted (`tolerant`: directories that may not be read are told, and passed by), the layers merged (from a directory on), or what the first layer changes. */
int walk_tree(struct node *start, bool with_content, bool tolerant);
int walk_merged(int *layers, unsigned count, const char *start);
int walk_changes(int *layers, unsigned count, bool with_content);

#endif
