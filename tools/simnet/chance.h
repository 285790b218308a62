/* Chance that a seed decides: numbers for a simulated world, and a stream of
 * its own that stands in for libsodium's randomness, so that keys repeat too. */
#ifndef TOOLS_SIMNET_CHANCE_H
#define TOOLS_SIMNET_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct simnet_chance {
    uint64_t state[4];
};

void simnet_chance_seed(struct simnet_chance *self, uint64_t seed);
uint64_t simnet_chance_next(struct simnet_chance *self);
uint64_t simnet_chance_below(struct simnet_chance *self, uint64_t n); /* 0 when n is 0 */
uint64_t simnet_chance_between(struct simnet_chance *self, uint64_t low, uint64_t high); /* both are possible */

/* From here on libsodium's randomness follows from the seed, in the whole
 * process; again: from that seed anew.  False: libsodium does not take it. */
bool simnet_chance_keys(uint64_t seed);

#endif
