/* The command line of conclave-stress, and the plan that follows from it: how
 * many peers, in which rooms.  Pure. */
#ifndef TOOLS_STRESS_OPTIONS_H
#define TOOLS_STRESS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRESS_PEERS_MAX 100000u

enum stress_scenario {
    STRESS_LOGIN,
    STRESS_RETURN,
    STRESS_SEARCH,
    STRESS_DIRECT,
    STRESS_ONE_ROOM,
    STRESS_ROOMS,
    STRESS_CHURN,
    STRESS_STORM,
    STRESS_SLOW,
    STRESS_MAIL,
    STRESS_SOAK,
    STRESS_SIMNET,
    STRESS_SCENARIOS
};

enum stress_route { STRESS_AUTO, STRESS_DIRECTLY, STRESS_RELAY };

/* Texts are borrowed from argv. */
struct stress_options {
    enum stress_scenario scenario;
    uint32_t peers, rooms, members; /* of each room; in `room`, those that listen alone */
    uint32_t size;                  /* bytes of a message */
    double rate;                    /* of all together, each second; 0: as fast as it goes */
    double duration_s;
    enum stress_route route;
    bool in_memory;
    uint64_t seed;
    bool json, help, version;
    const char *plot;
    const char *link;
    const char *daemon, *daemon_args;
    int pid;                        /* of a daemon that others started; 0: not told */
};

/* False for wrong usage: why is a sentence.  What was not given has its default. */
bool stress_options_parse(struct stress_options *self, int argc, char **argv, char *why, size_t why_cap);

const char *stress_options_scenario(enum stress_scenario scenario);
const char *stress_options_route(enum stress_route route);

extern const char stress_options_help[];

#endif
