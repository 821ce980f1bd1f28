#ifndef CORACLE_SEAL_H
#define CORACLE_SEAL_H

/*
 * Runs this program again from a copy that nobody can write to. A container's process is, until its exec, this very
 * program; an image whose entry point is `#!/proc/self/exe` could otherwise get hold of the host's file and overwrite
 * it (CVE-2019-5736). Returns 0 when already sealed.
 */
int seal_program(char **argv);

#endif
