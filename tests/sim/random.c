/* Where chance comes from: one seed feeds the simulated world, another stream
 * of it stands in for libsodium's randomness, so that keys repeat as well. */
#include "tests/sim/sim.h"

void
sim_random_seed(struct sim *sim)
{
    if (!simnet_chance_keys(~sim->seed))
        sim_fail(sim, "libsodium does not take the seeded randomness");
    simnet_chance_seed(&sim->chance, sim->seed);
}

uint64_t
sim_random(struct sim *sim)
{
    return simnet_chance_next(&sim->chance);
}

uint64_t
sim_below(struct sim *sim, uint64_t n)
{
    return simnet_chance_below(&sim->chance, n);
}

uint64_t
sim_between(struct sim *sim, uint64_t low, uint64_t high)
{
    return simnet_chance_between(&sim->chance, low, high);
}

bool
sim_chance(struct sim *sim, uint32_t of_1000)
{
    return of_1000 > 0 && sim_below(sim, 1000) < of_1000;
}
