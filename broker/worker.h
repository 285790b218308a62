/* One of the supervisor's children, from its birth to its death: forked, told
 * to, and started again later the oftener it dies.  Which ones run when is
 * broker/supervisor's.  Time is an argument, in ms of the monotonic clock. */
#ifndef BROKER_WORKER_H
#define BROKER_WORKER_H

#include <sys/types.h>

#include "broker/channel.h"

#define BROKER_WORKER_NEVER UINT64_MAX

struct broker_worker {
    enum broker_role role;
    pid_t pid;              /* 0: not running */
    int channel;            /* -1: none */
    bool ready;             /* since it was started last */
    bool was_ready;         /* at least once */
    uint16_t port;          /* of door and front, once known */
    uint64_t started_ms;
    uint64_t start_at_ms;   /* BROKER_WORKER_NEVER: not wanted, or running */
    unsigned quick_deaths;  /* in a row */
};

/* To be started at that time. */
void broker_worker_init(struct broker_worker *self, enum broker_role role, uint64_t start_at_ms);

/* "vault", "front", "door": for the log. */
const char *broker_worker_name(enum broker_role role);

/* Forks.  The child gets `child` with its role and its channel filled in, and
 * closes the descriptors `ours` of the parent; it never returns.  Should the
 * system refuse, that is logged, and start_at_ms says when to try again. */
void broker_worker_start(struct broker_worker *self, uint64_t now_ms, struct broker_child *child, const int *ours,
                         size_t ours_count);

/* It ended, with this status of waitpid(): logged, and start_at_ms is set: at
 * once, unless it dies quickly again and again. */
void broker_worker_died(struct broker_worker *self, uint64_t now_ms, int status);

/* Nothing happens when it is not running; a word that it does not take is
 * logged. */
void broker_worker_tell(const struct broker_worker *self, const struct broker_note *note);

#endif
