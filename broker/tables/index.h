/* A hash index of fixed size: from a key that the caller compares to the
 * number of a slot in the caller's table.  Open addressing with a seed of its
 * own, so that nobody outside can choose keys that collide.  Pure. */
#ifndef BROKER_INDEX_H
#define BROKER_INDEX_H

#include "msg/base.h"

#define BROKER_NONE UINT32_MAX /* no slot */

struct broker_index {
    uint64_t *cells; /* high half: hash, low half: slot + 1; 0: empty */
    uint32_t mask;
    uint64_t seed;
};

/* false: not enough memory.  Holds `capacity` slots at most. */
bool CONCLAVE_CHECK broker_index_init(struct broker_index *self, uint32_t capacity, uint64_t seed);
void broker_index_wipe(struct broker_index *self);

uint32_t broker_index_hash(const struct broker_index *self, const void *key, size_t len);
uint32_t broker_index_hash_u64(const struct broker_index *self, uint64_t key);

void broker_index_add(struct broker_index *self, uint32_t hash, uint32_t slot);
void broker_index_remove(struct broker_index *self, uint32_t hash, uint32_t slot);

/* Walks the slots that may have this hash: start with *at = hash; BROKER_NONE
 * ends it.  The caller compares keys. */
static inline uint32_t
broker_index_next(const struct broker_index *self, uint32_t hash, uint32_t *at)
{
    for (;;) {
        const uint64_t cell = self->cells[*at & self->mask];
        if (cell == 0)
            return BROKER_NONE;
        *at += 1;
        if ((uint32_t)(cell >> 32) == hash)
            return (uint32_t)cell - 1;
    }
}

#endif
