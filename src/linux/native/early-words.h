/* Which command lines get a runner of modules started ahead. */
#ifndef CORACLE_EARLY_WORDS_H
#define CORACLE_EARLY_WORDS_H

enum early_words { EARLY_NONE, EARLY_RUNNER, EARLY_STDIN };

/* Of `node … main.js run FLAGS IMAGE …`, up to a NULL. What IMAGE is cannot be known here. Wrong guesses cost a start of Node and nothing else. */
enum early_words early_words(char *const *words, const char **image);

#endif
