/* Where chance comes from: one seed feeds the simulated world, another stream
 * of it stands in for libsodium's randomness, so that keys repeat as well. */
#include <sodium.h>

#include "tests/sim/sim.h"

static uint64_t keys[4]; /* libsodium has one implementation for the process */

static uint64_t
rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* xoshiro256**, by Blackman and Vigna. */
static uint64_t
next(uint64_t s[4])
{
    const uint64_t out = rotate(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return out;
}

static void
seed(uint64_t s[4], uint64_t from)
{
    for (size_t i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = (from += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        s[i] = z ^ (z >> 31);
    }
}

static const char *
name(void)
{
    return "seeded";
}

static uint32_t
random_u32(void)
{
    return (uint32_t)next(keys);
}

static void
fill(void *const out, const size_t len)
{
    uint8_t *at = out;
    for (size_t done = 0; done < len; done += 8) {
        const uint64_t word = next(keys);
        memcpy(at + done, &word, len - done < 8 ? len - done : 8);
    }
}

void
sim_random_seed(struct sim *sim)
{
    static struct randombytes_implementation seeded = {
        .implementation_name = name, .random = random_u32, .buf = fill};
    static bool set;
    if (!set && randombytes_set_implementation(&seeded) != 0)
        sim_fail(sim, "libsodium does not take the seeded randomness");
    set = true;
    seed(sim->random, sim->seed);
    seed(keys, ~sim->seed);
}

uint64_t
sim_random(struct sim *sim)
{
    return next(sim->random);
}

uint64_t
sim_below(struct sim *sim, uint64_t n)
{
    return n == 0 ? 0 : next(sim->random) % n;
}

uint64_t
sim_between(struct sim *sim, uint64_t low, uint64_t high)
{
    return high <= low ? low : low + sim_below(sim, high - low + 1);
}

bool
sim_chance(struct sim *sim, uint32_t of_1000)
{
    return of_1000 > 0 && sim_below(sim, 1000) < of_1000;
}
