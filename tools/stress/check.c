/* See check.h.  One entry for each stream in a hash table; an entry knows the
 * number after the last, and the ranges that are missing before it. */
#include "tools/stress/check.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024u /* a power of two */

struct range {
    uint64_t first, end; /* end: the first that is not missing */
};

struct entry {
    uint64_t key;       /* 0: free */
    uint64_t next;      /* number after the highest that came */
    struct range *missing;
    uint32_t count, cap;
    bool paused;
};

struct stress_check {
    struct entry *slots;
    size_t size, used;
    uint64_t holes;
};

static void *
need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

struct stress_check *
stress_check_new(void)
{
    struct stress_check *self = need(calloc(1, sizeof *self));

    self->size = SLOTS_FIRST;
    self->slots = need(calloc(self->size, sizeof *self->slots));
    return self;
}

void
stress_check_destroy(struct stress_check **self_p)
{
    struct stress_check *self = *self_p;

    *self_p = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->size; i++)
        free(self->slots[i].missing);
    free(self->slots);
    free(self);
}

static uint64_t
key_of(struct stress_stream stream)
{
    return ((uint64_t)stream.receiver << 34 | (uint64_t)stream.channel << 32 | stream.sender) + 1;
}

static struct entry *
slot_of(struct entry *slots, size_t size, uint64_t key)
{
    uint64_t at = key * 0x9e3779b97f4a7c15u;

    for (at ^= at >> 29;; at++) {
        struct entry *slot = &slots[at & (size - 1)];
        if (slot->key == key || slot->key == 0)
            return slot;
    }
}

static void
grow(struct stress_check *self)
{
    struct entry *slots = need(calloc(2 * self->size, sizeof *slots));

    for (size_t i = 0; i < self->size; i++)
        if (self->slots[i].key != 0)
            *slot_of(slots, 2 * self->size, self->slots[i].key) = self->slots[i];
    free(self->slots);
    self->slots = slots;
    self->size *= 2;
}

static struct entry *
entry_of(struct stress_check *self, struct stress_stream stream)
{
    const uint64_t key = key_of(stream);
    struct entry *entry = slot_of(self->slots, self->size, key);

    if (entry->key != 0)
        return entry;
    if (2 * self->used >= self->size) {
        grow(self);
        entry = slot_of(self->slots, self->size, key);
    }
    self->used++;
    *entry = (struct entry){.key = key, .next = 1};
    return entry;
}

static void
skip(struct stress_check *self, struct entry *entry, uint64_t first, uint64_t end)
{
    if (entry->count == entry->cap) {
        entry->cap = entry->cap > 0 ? 2 * entry->cap : 4;
        entry->missing = need(realloc(entry->missing, entry->cap * sizeof *entry->missing));
    }
    entry->missing[entry->count++] = (struct range){first, end};
    self->holes += end - first;
}

/* Takes a number out of what is missing; false: it is not missing. */
static bool
fill(struct stress_check *self, struct entry *entry, uint64_t number)
{
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct range whole = entry->missing[i];
        if (number < whole.first || number >= whole.end)
            continue;
        entry->missing[i] = entry->missing[--entry->count];
        self->holes -= whole.end - whole.first;
        if (number > whole.first)
            skip(self, entry, whole.first, number);
        if (number + 1 < whole.end)
            skip(self, entry, number + 1, whole.end);
        return true;
    }
    return false;
}

enum stress_verdict
stress_check_take(struct stress_check *self, struct stress_stream stream, uint64_t number)
{
    struct entry *entry = entry_of(self, stream);

    if (number < entry->next)
        return fill(self, entry, number) ? STRESS_REORDERED : STRESS_DOUBLED;
    if (number > entry->next && !entry->paused)
        skip(self, entry, entry->next, number);
    entry->paused = false;
    entry->next = number + 1;
    return STRESS_FINE;
}

void
stress_check_pause(struct stress_check *self, struct stress_stream stream)
{
    entry_of(self, stream)->paused = true;
}

uint64_t
stress_check_holes(const struct stress_check *self)
{
    return self->holes;
}

uint64_t
stress_check_lost(const struct stress_check *self, struct stress_stream stream, uint64_t said, bool to_the_end)
{
    const struct entry *entry = slot_of(self->slots, self->size, key_of(stream));
    uint64_t lost = 0;

    if (entry->key == 0)
        return to_the_end ? said : 0;
    for (uint32_t i = 0; i < entry->count; i++)
        lost += entry->missing[i].end - entry->missing[i].first;
    return lost + (to_the_end && said >= entry->next ? said + 1 - entry->next : 0);
}
