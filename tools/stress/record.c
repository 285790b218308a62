/* See record.h.  Values below 64 have a bucket each; above, the six bits after
 * the highest choose among the 64 of its doubling. */
#include "tools/stress/record.h"

#include <stddef.h>

static size_t
bucket_of(uint64_t ns)
{
    if (ns >= (uint64_t)1 << STRESS_RECORD_BITS)
        ns = ((uint64_t)1 << STRESS_RECORD_BITS) - 1;
    if (ns < 64)
        return (size_t)ns;
    const unsigned shift = 57u - (unsigned)__builtin_clzll(ns);
    return 64u * (shift + 1u) + (size_t)(ns >> shift & 63);
}

/* The highest value of a bucket. */
static uint64_t
edge_of(size_t bucket)
{
    if (bucket < 64)
        return bucket;
    const unsigned shift = (unsigned)(bucket / 64 - 1);
    return ((uint64_t)(bucket % 64 + 65) << shift) - 1;
}

void
stress_record_add(struct stress_record *self, uint64_t ns)
{
    self->buckets[bucket_of(ns)]++;
    self->count++;
    if (ns > self->max_ns)
        self->max_ns = ns;
}

void
stress_record_arrival(struct stress_record *self, uint64_t intended_ns, uint64_t now_ns)
{
    stress_record_add(self, now_ns > intended_ns ? now_ns - intended_ns : 0);
}

void
stress_record_merge(struct stress_record *self, const struct stress_record *more)
{
    for (size_t i = 0; i < STRESS_RECORD_BUCKETS; i++)
        self->buckets[i] += more->buckets[i];
    self->count += more->count;
    if (more->max_ns > self->max_ns)
        self->max_ns = more->max_ns;
}

void
stress_record_since(struct stress_record *self, const struct stress_record *now, const struct stress_record *before)
{
    *self = (struct stress_record){0};
    for (size_t i = 0; i < STRESS_RECORD_BUCKETS; i++) {
        self->buckets[i] = now->buckets[i] - before->buckets[i];
        self->count += self->buckets[i];
        if (self->buckets[i] > 0)
            self->max_ns = edge_of(i);
    }
}

uint64_t
stress_record_quantile(const struct stress_record *self, double part)
{
    const double wanted = part * (double)self->count;
    uint64_t seen = 0;

    for (size_t i = 0; i < STRESS_RECORD_BUCKETS; i++) {
        seen += self->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return edge_of(i) < self->max_ns ? edge_of(i) : self->max_ns;
    }
    return self->max_ns;
}
