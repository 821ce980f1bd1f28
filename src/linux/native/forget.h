#ifndef CORACLE_FORGET_H
#define CORACLE_FORGET_H

/* Lets go of the pages of this program's code and constants. What is needed again comes back from the file. */
void forget_code(void);
/* Lets go of the whole pages of a buffer, which reads as zeros afterwards. */
void forget_pages(char *from, const char *to);

#endif
