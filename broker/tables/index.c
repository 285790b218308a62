/* See index.h. */
#include "broker/tables/index.h"

#include <assert.h>
#include <stdlib.h>

bool
broker_index_init(struct broker_index *self, uint32_t capacity, uint64_t seed)
{
    uint32_t cells = 16;

    assert(capacity < (1u << 30));
    while (cells < capacity * 2)
        cells *= 2;
    self->cells = calloc(cells, sizeof *self->cells);
    self->mask = cells - 1;
    self->seed = seed | 1;
    return self->cells != NULL;
}

void
broker_index_wipe(struct broker_index *self)
{
    free(self->cells);
    self->cells = NULL;
}

/* Multiply and fold: both halves of the product depend on all bits of both. */
static uint64_t
fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    const wide product = (wide)a * b;
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

uint32_t
broker_index_hash(const struct broker_index *self, const void *key, size_t len)
{
    const uint8_t *at = key;
    uint64_t state = fold(self->seed ^ (uint64_t)len, 0x9e3779b97f4a7c15ull);
    uint64_t word;

    for (; len >= 8; at += 8, len -= 8) {
        memcpy(&word, at, 8);
        state = fold(state ^ word, self->seed ^ 0xe7037ed1a0b428dbull);
    }
    if (len > 0) {
        word = 0;
        memcpy(&word, at, len);
        state = fold(state ^ word, self->seed ^ 0x8ebc6af09c88c6e3ull);
    }
    state = fold(state ^ 0x589965cc75374cc3ull, self->seed);
    return (uint32_t)(state ^ (state >> 32));
}

uint32_t
broker_index_hash_u64(const struct broker_index *self, uint64_t key)
{
    const uint64_t state = fold(key ^ self->seed, 0x9e3779b97f4a7c15ull ^ (self->seed << 1));
    return (uint32_t)(state ^ (state >> 32));
}

void
broker_index_add(struct broker_index *self, uint32_t hash, uint32_t slot)
{
    uint32_t at = hash & self->mask;

    assert(slot != BROKER_NONE);
    while (self->cells[at] != 0)
        at = (at + 1) & self->mask;
    self->cells[at] = ((uint64_t)hash << 32) | (slot + 1);
}

void
broker_index_remove(struct broker_index *self, uint32_t hash, uint32_t slot)
{
    const uint64_t wanted = ((uint64_t)hash << 32) | (slot + 1);
    uint32_t at = hash & self->mask;

    while (self->cells[at] != wanted) {
        assert(self->cells[at] != 0); /* removing what was never added */
        at = (at + 1) & self->mask;
    }
    /* Close the hole: whoever stands behind it moves up, unless that would put
     * it before its home. */
    for (uint32_t next = (at + 1) & self->mask; self->cells[next] != 0; next = (next + 1) & self->mask) {
        const uint32_t home = (uint32_t)(self->cells[next] >> 32) & self->mask;
        if (((next - home) & self->mask) >= ((next - at) & self->mask)) {
            self->cells[at] = self->cells[next];
            at = next;
        }
    }
    self->cells[at] = 0;
}
