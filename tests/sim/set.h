/* A set of processes of the simulated world. */
#ifndef SIM_SET_H
#define SIM_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PROCS 256u /* door, front and peers: at most */

struct sim_set {
    uint64_t words[SIM_PROCS / 64];
};

static inline bool
sim_set_has(const struct sim_set *set, uint32_t proc)
{
    return (set->words[proc / 64] >> proc % 64 & 1) != 0;
}

static inline void
sim_set_add(struct sim_set *set, uint32_t proc)
{
    set->words[proc / 64] |= UINT64_C(1) << proc % 64;
}

static inline bool
sim_set_empty(const struct sim_set *set)
{
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof set->words / sizeof set->words[0]; i++)
        all |= set->words[i];
    return all == 0;
}

/* Whether all of `part` are in `whole`. */
static inline bool
sim_set_within(const struct sim_set *part, const struct sim_set *whole)
{
    uint64_t others = 0;
    for (size_t i = 0; i < sizeof part->words / sizeof part->words[0]; i++)
        others |= part->words[i] & ~whole->words[i];
    return others == 0;
}

#endif
