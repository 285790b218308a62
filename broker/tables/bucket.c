/* See bucket.h. */
#include "broker/tables/bucket.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define MILLI 1000u

/* Time that passed gives back what was spent. */
static void
refill(struct broker_bucket *self, const struct broker_rate *rate, uint64_t now_ms)
{
    const uint64_t passed_ms = now_ms > self->at_ms ? now_ms - self->at_ms : 0;

    self->at_ms = now_ms;
    if (self->spent_milli == 0 || rate->count == 0)
        return;
    /* More than a full refill: say so before anything can overflow. */
    const uint64_t full_ms = self->spent_milli / MILLI / rate->count * rate->per_ms + rate->per_ms;
    if (passed_ms >= full_ms) {
        self->spent_milli = 0;
        return;
    }
    const uint64_t back_milli = passed_ms * rate->count * MILLI / rate->per_ms;
    /* Time too short to give back another thousandth is kept for later. */
    const uint64_t used_ms = (back_milli * rate->per_ms + rate->count * MILLI - 1) / (rate->count * MILLI);
    self->at_ms = now_ms - (passed_ms - (used_ms < passed_ms ? used_ms : passed_ms));
    self->spent_milli -= back_milli < self->spent_milli ? back_milli : self->spent_milli;
}

uint64_t
broker_bucket_take_many(struct broker_bucket *self, const struct broker_rate *rate, uint64_t tokens, uint64_t now_ms)
{
    const uint64_t burst_milli = (rate->burst > 0 ? rate->burst : 1) * MILLI;
    const uint64_t wanted_milli = tokens < burst_milli / MILLI ? tokens * MILLI : burst_milli;

    refill(self, rate, now_ms);
    if (self->spent_milli > burst_milli)
        self->spent_milli = burst_milli; /* the limit was lowered */
    if (burst_milli - self->spent_milli >= wanted_milli) {
        self->spent_milli += wanted_milli;
        return 0;
    }
    if (rate->count == 0)
        return rate->per_ms > 0 ? rate->per_ms : 1;
    const uint64_t lack_milli = wanted_milli - (burst_milli - self->spent_milli);
    return lack_milli * rate->per_ms / (rate->count * MILLI) + 1;
}

uint64_t
broker_bucket_take(struct broker_bucket *self, const struct broker_rate *rate, uint64_t now_ms)
{
    return broker_bucket_take_many(self, rate, 1, now_ms);
}

bool
broker_buckets_init(struct broker_buckets *self, uint32_t sets, uint64_t seed)
{
    self->sets = sets;
    self->seed = seed;
    self->cells = calloc((size_t)sets * BROKER_BUCKET_WAYS, sizeof *self->cells);
    return self->cells != NULL;
}

void
broker_buckets_wipe(struct broker_buckets *self)
{
    free(self->cells);
    self->cells = NULL;
}

uint64_t
broker_bucket_tag(uint64_t seed, const void *at, size_t len)
{
    const struct broker_index low = {.seed = seed | 1};
    const struct broker_index high = {.seed = (seed ^ 0xa5a5a5a55a5a5a5aull) | 1};
    const uint64_t tag =
        (uint64_t)broker_index_hash(&high, at, len) << 32 | broker_index_hash(&low, at, len);

    return tag != 0 ? tag : 1;
}

uint64_t
broker_buckets_take(struct broker_buckets *self, const struct broker_rate *rate,
                    struct msg_text source, uint64_t now_ms)
{
    char group[BROKER_SOURCE_MAX + 1];

    broker_source_group(group, sizeof group, source);
    const uint64_t tag = broker_bucket_tag(self->seed, group, strlen(group));
    struct broker_buckets_cell *set = &self->cells[(tag >> 32) % self->sets * BROKER_BUCKET_WAYS];
    struct broker_buckets_cell *least = set;
    for (uint32_t way = 0; way < BROKER_BUCKET_WAYS; way++) {
        if (set[way].tag == tag)
            return broker_bucket_take(&set[way].bucket, rate, now_ms);
        refill(&set[way].bucket, rate, now_ms);
        if (set[way].bucket.spent_milli < least->bucket.spent_milli)
            least = &set[way];
    }
    *least = (struct broker_buckets_cell){.tag = tag};
    return broker_bucket_take(&least->bucket, rate, now_ms);
}

/* Cut at cap like msg_text_copy, but an address has no characters to split. */
void
broker_source_print(char *out, size_t cap, struct msg_text source)
{
    static const char mapped[] = "::ffff:";
    const size_t skip = sizeof mapped - 1;

    if (source.len > skip && memcmp(source.at, mapped, skip) == 0
        && memchr(source.at + skip, '.', source.len - skip) != NULL) {
        source.at += skip;
        source.len -= skip;
    }
    msg_text_copy(out, cap, source);
}

void
broker_source_group(char *out, size_t cap, struct msg_text source)
{
    struct in6_addr address;
    char *zone;

    broker_source_print(out, cap, source);
    zone = strchr(out, '%');
    if (zone != NULL)
        *zone = '\0';
    if (strchr(out, ':') == NULL || inet_pton(AF_INET6, out, &address) != 1)
        return;
    memset(&address.s6_addr[8], 0, 8);
    if (inet_ntop(AF_INET6, &address, out, (socklen_t)cap) == NULL)
        out[0] = '\0';
}
