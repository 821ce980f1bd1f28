#include "early-words.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Flags of `run` that take no value, and leave the runner as it is. */
static const char *const plain[] = {"--rm", "--detach", "--quiet", "--read-only", "--init", "--interactive", "--allow-read", "--allow-write", "--allow-env"};
/* What makes the runner another one: its walls are too different, or its memory is accounted. */
static const char *const other[] = {"--tty", "--memory", "--publish", "--net", "--allow-net", "--allow-all", "--gpus", "--privileged", "--runtime", "--user"};

static bool begins_with(const char *word, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strncmp(word, list[i], strlen(list[i])) == 0) return true;
  }
  return false;
}

/* `-it`: answers how many words it is, or 0 if there shall be none. */
static int short_flags(const char *word, enum early_words *answer) {
  for (const char *flag = word + 1; *flag != '\0'; flag++) {
    if (strchr("tmpPAu", *flag) != NULL) return 0;
    if (*flag == 'i') *answer = EARLY_STDIN;
    else if (*flag != 'd' && *flag != 'q') return flag[1] == '\0' ? 2 : 1;
  }
  return 1;
}

/* A module has no network unless it is granted one: to say so changes nothing. Answers how many words that is. */
static int no_network(const char *word, const char *next) {
  if (strcmp(word, "--network=none") == 0 || strcmp(word, "--net=none") == 0) return 1;
  bool begun = strcmp(word, "--network") == 0 || strcmp(word, "--net") == 0;
  return begun && next != NULL && strcmp(next, "none") == 0 ? 2 : 0;
}

static int long_flag(const char *word, const char *next, enum early_words *answer) {
  int none = no_network(word, next);
  if (none != 0) return none;
  if (begins_with(word, other, sizeof other / sizeof *other)) return 0;
  if (strcmp(word, "--interactive") == 0) *answer = EARLY_STDIN;
  return strchr(word, '=') != NULL || begins_with(word, plain, sizeof plain / sizeof *plain) ? 1 : 2;
}

enum early_words early_words(char *const *words, const char **image) {
  enum early_words answer = EARLY_RUNNER;
  if (*words == NULL) return EARLY_NONE;
  for (words++; *words != NULL && **words == '-'; words++) continue; /* flags of Node */
  if (*words == NULL || words[1] == NULL || strcmp(words[1], "run") != 0) return EARLY_NONE;
  for (words += 2; *words != NULL; words++) {
    const char *word = *words;
    bool end = strcmp(word, "--") == 0;
    if (end || word[0] != '-') return (*image = words[end]) != NULL ? answer : EARLY_NONE;
    int taken = word[1] == '-' ? long_flag(word, words[1], &answer) : short_flags(word, &answer);
    if (taken == 0) return EARLY_NONE;
    if (taken == 2 && *++words == NULL) return EARLY_NONE;
  }
  return EARLY_NONE;
}
