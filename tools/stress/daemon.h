/* A conclaved of the harness's own, in its temporary directory, with the limits
 * for each source out of the way of one machine that plays all others. */
#ifndef TOOLS_STRESS_DAEMON_H
#define TOOLS_STRESS_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tools/stress/options.h"

#define STRESS_PATH_ROOM 512u
#define STRESS_LINK_ROOM 512u

struct stress_daemon {
    pid_t pid;                  /* 0: it does not run */
    const char *args;           /* the user's, apart by blanks; or NULL */
    char program[STRESS_PATH_ROOM];
    char dir[STRESS_PATH_ROOM]; /* ours; made and removed by others */
    char listen[64];
    char link[STRESS_LINK_ROOM];
};

/* Writes its configuration into dir, and finds the program: --daemon, the one
 * beside this program, or the one in PATH.  False: why is a sentence. */
bool stress_daemon_prepare(struct stress_daemon *self, const struct stress_options *options, const char *dir, char *why, size_t why_cap);

/* Starts it, and waits until it serves; again after it ended: at the same
 * place.  False: why is a sentence, with what the daemon said.  stop, when not
 * NULL, is asked now and then whether to give up. */
bool stress_daemon_start(struct stress_daemon *self, bool (*stop)(void), char *why, size_t why_cap);

/* As a crash of the machine's memory would: nothing is said to anybody. */
void stress_daemon_kill(struct stress_daemon *self);

/* In order; harder when that takes longer than 10 s. */
void stress_daemon_stop(struct stress_daemon *self);

#endif
