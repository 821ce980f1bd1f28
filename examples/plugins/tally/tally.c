/* The most frequent words of standard input. `coracle plugins add tally.wasm`, then `coracle logs web | coracle tally --top 3` */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What Coracle asks a module for: its declaration, in a section of its own. */
__asm__(".section .custom_section.coracle.command,\"\",@\n.incbin \"tally.json\"\n");

#define LONGEST 63
#define SLOTS (1 << 16)

struct entry {
  char word[LONGEST + 1];
  unsigned long count;
};

static struct entry table[SLOTS];
static size_t used;

/* Open addressing; a table that is nearly full takes no new words. */
static void count(const char *word) {
  size_t at = 5381;
  for (const char *each = word; *each != 0; each++) at = at * 33 + (unsigned char)*each;
  for (at %= SLOTS; table[at].count > 0; at = (at + 1) % SLOTS)
    if (strcmp(table[at].word, word) == 0) return (void)table[at].count++;
  if (used++ >= SLOTS / 2) return;
  strcpy(table[at].word, word);
  table[at].count = 1;
}

static void read_words(FILE *input) {
  char word[LONGEST + 1];
  size_t length = 0;
  for (int each = 0; each != EOF;) {
    each = getc(input);
    if (each != EOF && (isalnum(each) || each > 127)) {
      if (length < LONGEST) word[length++] = (char)tolower(each);
    } else if (length > 0) {
      word[length] = 0;
      count(word);
      length = 0;
    }
  }
}

static int more_frequent(const void *left, const void *right) {
  const struct entry *one = left, *other = right;
  if (one->count != other->count) return one->count < other->count ? 1 : -1;
  return strcmp(one->word, other->word);
}

/* --top N or --top=N, else $TALLY_TOP, if that was granted. Coracle has checked that there is nothing else. */
static int wanted(int argc, char **argv) {
  const char *top = getenv("TALLY_TOP");
  for (int at = 1; at < argc; at++) {
    if (strcmp(argv[at], "--top") == 0 && at + 1 < argc) top = argv[at + 1];
    if (strncmp(argv[at], "--top=", 6) == 0) top = argv[at] + 6;
  }
  return top == NULL ? 10 : atoi(top);
}

int main(int argc, char **argv) {
  int top = wanted(argc, argv);
  if (top < 1) return fprintf(stderr, "tally: --top must be a number above 0\n"), 2;
  read_words(stdin);
  qsort(table, SLOTS, sizeof *table, more_frequent);
  for (int at = 0; at < top && at < SLOTS && table[at].count > 0; at++) printf("%7lu %s\n", table[at].count, table[at].word);
  return used == 0 ? 1 : 0;
}
