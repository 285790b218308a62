/* The registry's core on a simulated network, for sizes that one machine cannot
 * hold with sockets and processes: what memory a session takes, and what CPU
 * time a message.  Time, delays and chance are simulated, so the same seed gives
 * the same run; the CPU time is this machine's. */
#ifndef TOOLS_SIMNET_SIMNET_H
#define TOOLS_SIMNET_SIMNET_H

#include <stdbool.h>
#include <stdint.h>

#include "msg/base.h"
#include "msg/error.h"

#define SIMNET_PEERS_MAX 1000000u
#define SIMNET_TALKERS 10u      /* of a room, at most: who talks in it */
#define SIMNET_WHY_MAX 512u     /* bytes of a sentence about what went wrong */

/* What the network does to direct messages, of 1000 each: for those who prove
 * the checker.  A connection of TCP does none of it. */
struct simnet_faults {
    uint32_t lose, repeat, delay, change;
};

/* One world. */
struct simnet_plan {
    uint32_t peers, rooms, members; /* rooms times members are peers at most */
    uint32_t size;          /* bytes of a message, STRESS_TEXT_MIN and up */
    double rate;            /* messages each simulated second, of all together; 0: as the size of the rooms suggests */
    double duration_s;      /* simulated, of the talk in rooms and once more of the direct one */
    uint64_t seed;
    struct simnet_faults faults;
};

/* What something costs the registry's core. */
struct simnet_cost {
    uint64_t count;         /* times that it was done */
    double cpu_s;           /* in the steps of that phase, but for PINGs, which are counted apart */
};

struct simnet_result {
    struct simnet_plan plan; /* with the rate that it was */
    struct simnet_cost sign_up, log_in, ping, create, join, post, relay;
    uint64_t copies;        /* of posts: the same cost, counted by who got them */
    uint64_t expected;      /* copies that members were to get */
    uint64_t direct_got;
    uint64_t lost, doubled, reordered, damaged;
    uint64_t tables_b;      /* memory that the core took at its start, touched or not */
    double session_b;       /* resident memory that a session added as it logged in */
    uint64_t store_records, store_b;
    double simulated_s, wall_s;
};

static inline bool
simnet_is_clean(const struct simnet_result *result)
{
    return result->lost + result->doubled + result->reordered + result->damaged == 0;
}

/* Told now and then of what is being done, for people; may be NULL. */
typedef void simnet_show_fn(void *arg, const struct simnet_plan *plan, const char *doing);

/* Plays it in this process, whose libsodium gets its randomness from the seed
 * from here on.  CONFIG: conclaved's configuration does not go as far; SYSTEM:
 * memory; INTERNAL: something came otherwise than it must.  `why` says it. */
enum conclave_err CONCLAVE_CHECK
simnet_play(struct simnet_result *result, const struct simnet_plan *plan, simnet_show_fn *show, void *arg, char why[SIMNET_WHY_MAX]);

#endif
