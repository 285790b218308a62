/* A real conclaved for a bench: started on a directory of its own, with the
 * limits out of the way of one machine that plays all the others. */
#ifndef TESTS_BENCH_DAEMON_H
#define TESTS_BENCH_DAEMON_H

#include "msg/name.h"
#include "tests/bench/common.h"

struct bench_daemon {
    pid_t pid;                  /* the supervisor */
    pid_t vault, door, front;
    char dir[256];              /* its data */
    char config[300];
    char listen[32];
    char link_text[MSG_LINK_MAX + 1];
    struct msg_link link;
};

/* Makes the directory and the configuration: ours, and `more` (ZPL). */
void bench_daemon_prepare(struct bench_daemon *self, const char *more);
/* Another configuration, from the next start on. */
void bench_daemon_configure(struct bench_daemon *self, const char *more);
/* Starts it and waits until it serves. */
void bench_daemon_start(struct bench_daemon *self);
/* Asks it to end, and waits until it did. */
void bench_daemon_stop(struct bench_daemon *self);
/* All its processes together. */
double bench_daemon_cpu_s(const struct bench_daemon *self);

#endif
