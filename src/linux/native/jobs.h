/* Each job's entry: what main() would be. */
#ifndef CORACLE_JOBS_H
#define CORACLE_JOBS_H

/* Plan on descriptor 0, control connection on 3, attached streams on 4. */
int supervise_main(int argc, char **argv);
/* Becomes another program; a supervisor waits beside it. */
int ahead_main(int argc, char **argv);
/* The same; what waits beside it carries out jobs. */
int beside_main(int argc, char **argv);
/* File-system steps on descriptor 0, applied below a directory. */
int apply_main(int argc, char **argv);
/* Requests on descriptor 0, answers on 1. */
int archive_main(int argc, char **argv);
/* Mounts on descriptor 3, news on 1; ends with descriptor 0. */
int hold_main(int argc, char **argv);
/* The names of a container, for its supervisor (resolve.h). */
int resolve_main(int argc, char **argv);
/* Becomes another program that can reach little (enclose.c). */
int enclose_main(int argc, char **argv);
int after_main(int argc, char **argv);
/* Steps of links on descriptor 0. */
int wire_main(int argc, char **argv);

#endif
