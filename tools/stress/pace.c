/* See pace.h. */
#include "tools/stress/pace.h"

void
stress_pace_start(struct stress_pace *self, uint64_t now_ns, double per_s, double phase)
{
    *self = (struct stress_pace){now_ns, 1e9 / per_s, phase, 0};
}

uint64_t
stress_pace_next_ns(const struct stress_pace *self)
{
    return self->start_ns + (uint64_t)(((double)self->done + self->phase) * self->gap_ns);
}

/* SplitMix64: a counter, mixed. */
uint64_t
stress_pace_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}
