#ifndef CORACLE_READY_H
#define CORACLE_READY_H

/*
 * Waits until there is something to read from `fd`. Of control groups of version 1: the first process that is moved to a
 * group waits for all of the kernel to take notice (an RCU grace period, 5 to 20 ms), those soon after it do not. So this
 * process is moved to where it is already, again and again, and the container's need not wait.
 */
void wait_and_keep_ready(int fd);

#endif
