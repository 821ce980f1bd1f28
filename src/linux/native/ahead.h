/* What the jobs have in common that become another program and leave something beside it. */
#ifndef CORACLE_AHEAD_H
#define CORACLE_AHEAD_H

/* Returns only if it cannot, having said why: the status to end with. */
int become_program(char **argv);

#endif
