/* Token buckets, and a table of them by source for strangers, who are counted
 * without being remembered for ever.  Also what counts as one source.  Pure. */
#ifndef BROKER_BUCKET_H
#define BROKER_BUCKET_H

#include "broker/tables/index.h"

#define BROKER_SOURCE_MAX 63u /* bytes of a source address as text */

struct broker_rate {
    uint64_t burst;
    uint64_t count;  /* this many ... */
    uint64_t per_ms; /* ... in this time */
};

/* Zero is a bucket that was never used, hence full. */
struct broker_bucket {
    uint64_t spent_milli; /* thousandths of a token that are missing */
    uint64_t at_ms;
};

/* Takes one token, or so many: 0, or the time in ms until they are there.  More
 * than the burst are taken when the bucket is full. */
uint64_t broker_bucket_take_many(struct broker_bucket *self, const struct broker_rate *rate, uint64_t tokens,
                                 uint64_t now_ms);
uint64_t broker_bucket_take(struct broker_bucket *self, const struct broker_rate *rate, uint64_t now_ms);

/* The same for several at once: whoever wants more than the burst waits until
 * nothing is missing.  tokens: at least 1. */
uint64_t broker_bucket_take_many(struct broker_bucket *self, const struct broker_rate *rate, uint64_t tokens,
                                 uint64_t now_ms);

/* Sets of eight: a new source takes the place of the one that spent least. */
#define BROKER_BUCKET_WAYS 8u
struct broker_buckets {
    struct broker_buckets_cell { uint64_t tag; struct broker_bucket bucket; } *cells;
    uint32_t sets;
    uint64_t seed;
};

bool CONCLAVE_CHECK broker_buckets_init(struct broker_buckets *self, uint32_t sets, uint64_t seed);
void broker_buckets_wipe(struct broker_buckets *self);
uint64_t broker_buckets_take(struct broker_buckets *self, const struct broker_rate *rate,
                             struct msg_text source, uint64_t now_ms);

/* 64 bits of a keyed hash, never 0. */
uint64_t broker_bucket_tag(uint64_t seed, const void *at, size_t len);

/* The address as people write it: ::ffff:192.0.2.1 as 192.0.2.1; cut to cap.
 * out must not overlap source. */
void broker_source_print(char *out, size_t cap, struct msg_text source);

/* What is limited as one source: an IPv4 address, or the /64 of an IPv6 one
 * (whoever has one address there has all of them). */
void broker_source_group(char *out, size_t cap, struct msg_text source);

#endif
