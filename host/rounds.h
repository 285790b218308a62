/* One thread for the process on which whoever watches something makes its
 * rounds: when the socket that it reads has news, and after a while if it
 * wants to.  For host/watchdog; a process has many watched sockets (a peer one
 * for each room that is a mesh), and needs no thread for each. */
#ifndef HOST_ROUNDS_H
#define HOST_ROUNDS_H

#include <czmq.h>

#include "msg/base.h"
#include "msg/error.h"

#define HOST_ROUNDS_NAME "rounds" /* of the thread, to whoever lists them */

/* What a round begins with, the same for all. */
struct host_round {
    uint64_t now_ms;            /* monotonic */
    uint64_t resident_bytes;    /* memory of the process; 0: not known */
    bool news;                  /* somebody's socket may have some: fn reads its own until nothing is there */
};

#define HOST_ROUNDS_NEWS UINT32_MAX

/* On the thread of the rounds; must not block.  Again after so many
 * milliseconds, or a tenth of a second later; HOST_ROUNDS_NEWS: once there is news (for anybody). */
typedef uint32_t host_rounds_fn(void *arg, const struct host_round *round);

/* Somebody who makes them; the caller's, from add until remove. */
struct host_rounds_one {
    zsock_t *socket;            /* read by fn alone from add until remove */
    host_rounds_fn *fn;
    void *arg;
    struct host_rounds_one *next;   /* the thread's */
};

/* Any thread.  The first starts the thread, the last ends it.  SYSTEM. */
enum conclave_err CONCLAVE_CHECK host_rounds_add(struct host_rounds_one *one);

/* All make one before it returns; any thread, without a lock that fn takes. */
void host_rounds_hurry(void);

/* When it returns, fn is not running and will not be called again. */
void host_rounds_remove(struct host_rounds_one *one);

#endif
