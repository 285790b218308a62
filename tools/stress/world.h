/* What the processes of the harness share: the plan, counters, and latencies.
 * Each field has one writer, or is atomic. */
#ifndef TOOLS_STRESS_WORLD_H
#define TOOLS_STRESS_WORLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/stress/daemon.h"
#include "tools/stress/options.h"
#include "tools/stress/record.h"
#include "tools/stress/text.h"

#define STRESS_WORKERS_MAX 256u
#define STRESS_NONE UINT32_MAX
#define STRESS_WHY_ROOM 400u

enum stress_role { /* bits */
    STRESS_SPEAKS = 1,  /* in its room */
    STRESS_WRITES = 2,  /* to its partner */
    STRESS_GOES = 4,    /* goes, and comes back */
    STRESS_LEAVES = 8,  /* leaves its room, and joins it again: need not have what was said meanwhile */
    STRESS_STOPS = 16   /* in a process that is stopped and continued; what comes to it is not timed */
};

/* One peer.  Its index is its name. */
struct stress_seat {
    uint32_t worker;
    unsigned roles;
    uint32_t room;                              /* or NONE */
    uint32_t partner;                           /* or NONE */
    _Atomic uint64_t said[STRESS_CHANNELS];     /* written by its worker alone */
    _Atomic uint64_t got_pair;                  /* of its partner; written by its worker alone */
};

struct stress_room {
    uint32_t first, members;                    /* seats */
    uint32_t full;                              /* of them, those that must get all that is said */
    uint32_t timed;                             /* of those, the ones that are there all the time */
    _Atomic uint64_t owed, got;                 /* copies for these, and by these */
};

struct stress_worker {
    pid_t pid;
    int fd;                                     /* the parent's end */
    _Atomic uint64_t said, due;                 /* messages, and copies of them that must arrive */
    _Atomic uint64_t got;                       /* of these copies, each once */
    _Atomic uint64_t done;                      /* log-ins, answers */
    _Atomic uint64_t asked;                     /* log-ins begun, requests made */
    _Atomic uint64_t online, logins;            /* peers that are logged in now; how often any did */
    _Atomic uint64_t stored;                    /* messages of which the registry says that it has them */
    _Atomic uint64_t holes, lost, doubled, reordered, damaged;
    _Atomic uint64_t notices;
    struct stress_record latency, trips;        /* written by it alone; read while they change */
    char notice[STRESS_WHY_ROOM];               /* the first one */
    char why[STRESS_WHY_ROOM];                  /* of its end */
};

struct stress_world {
    struct stress_options options;
    char dir[STRESS_PATH_ROOM];
    char link[STRESS_LINK_ROOM];
    char tag[16];                               /* of this run's names */
    uint32_t peers, rooms, workers;
    uint32_t speakers, writers;
    struct stress_seat *seats;
    struct stress_room *room;
    struct stress_worker *worker;
};

/* Shares out peers, rooms, roles and processes as the options say.  NULL: there
 * is not so much memory. */
struct stress_world *stress_world_new(const struct stress_options *options);
void stress_world_destroy(struct stress_world **self_p);

/* Sums over the workers. */
#define STRESS_WORLD_SUM(world, field) \
    __extension__({ \
        uint64_t sum_ = 0; \
        for (uint32_t w_ = 0; w_ < (world)->workers; w_++) \
            sum_ += (world)->worker[w_].field; \
        sum_; \
    })

#endif
