#ifndef CORACLE_INIT_H
#define CORACLE_INIT_H

/* Forks. The parent stays as a small init and never returns; the child goes on with the plan. */
int step_init(int channel);

#endif
