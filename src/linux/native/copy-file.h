#ifndef CORACLE_COPY_FILE_H
#define CORACLE_COPY_FILE_H

#include <sys/types.h>

/* Into an empty file, whose size the caller sets afterwards. -1 with errno. */
int copy_file_content(int to, int from, off_t size);

#endif
