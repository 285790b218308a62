/* See chance.h. */
#include "tools/simnet/chance.h"

#include <sodium.h>
#include <string.h>

static struct simnet_chance keys; /* libsodium has one implementation for the process */

static uint64_t
rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* xoshiro256**, by Blackman and Vigna. */
uint64_t
simnet_chance_next(struct simnet_chance *self)
{
    uint64_t *const s = self->state;
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

void
simnet_chance_seed(struct simnet_chance *self, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        self->state[i] = z ^ (z >> 31);
    }
}

uint64_t
simnet_chance_below(struct simnet_chance *self, uint64_t n)
{
    return n == 0 ? 0 : simnet_chance_next(self) % n;
}

uint64_t
simnet_chance_between(struct simnet_chance *self, uint64_t low, uint64_t high)
{
    return high <= low ? low : low + simnet_chance_below(self, high - low + 1);
}

/* ---- libsodium's ---- */

static const char *
name(void)
{
    return "seeded";
}

static uint32_t
random_u32(void)
{
    return (uint32_t)simnet_chance_next(&keys);
}

static void
fill(void *const out, const size_t len)
{
    uint8_t *at = out;

    for (size_t done = 0; done < len; done += 8) {
        const uint64_t word = simnet_chance_next(&keys);
        memcpy(at + done, &word, len - done < 8 ? len - done : 8);
    }
}

bool
simnet_chance_keys(uint64_t seed)
{
    static struct randombytes_implementation seeded = {.implementation_name = name, .random = random_u32, .buf = fill};
    static bool set;

    set = set || randombytes_set_implementation(&seeded) == 0;
    simnet_chance_seed(&keys, seed);
    return set;
}
