/* See introductions.h.  An id is a counter and the slot. */
#include "broker/tables/introductions.h"

#include <assert.h>
#include <stdlib.h>

#define SLOT_BITS 12u
#define TIMER_TICK_MS 50u

static_assert(BROKER_INTRODUCTIONS == 1u << SLOT_BITS, "an id has room for the slot");

bool
broker_introductions_init(struct broker_introductions *self, uint64_t first_id)
{
    *self = (struct broker_introductions){.next_id = first_id >> SLOT_BITS};
    self->list = calloc(BROKER_INTRODUCTIONS, sizeof *self->list);
    return self->list != NULL && broker_wheel_init(&self->timers, BROKER_INTRODUCTIONS, TIMER_TICK_MS);
}

void
broker_introductions_wipe(struct broker_introductions *self)
{
    free(self->list);
    self->list = NULL;
    broker_wheel_wipe(&self->timers);
}

struct broker_introduction *
broker_introductions_add(struct broker_introductions *self, uint64_t now_ms)
{
    uint32_t slot = 0;

    if (self->count == BROKER_INTRODUCTIONS)
        return NULL;
    while (self->list[slot].id != 0)
        slot++;
    if (slot >= self->high)
        self->high = slot + 1;
    self->count++;
    self->list[slot] = (struct broker_introduction){.id = ++self->next_id << SLOT_BITS | slot};
    broker_wheel_set(&self->timers, slot, now_ms + BROKER_INTRODUCTION_MS);
    return &self->list[slot];
}

void
broker_introductions_end(struct broker_introductions *self, struct broker_introduction *introduction)
{
    broker_wheel_clear(&self->timers, (uint32_t)(introduction - self->list));
    *introduction = (struct broker_introduction){0};
    self->count--;
    while (self->high > 0 && self->list[self->high - 1].id == 0)
        self->high--;
}

struct broker_introduction *
broker_introductions_find(struct broker_introductions *self, uint64_t id)
{
    struct broker_introduction *introduction = &self->list[id % BROKER_INTRODUCTIONS];

    return id != 0 && introduction->id == id ? introduction : NULL;
}

struct broker_introduction *
broker_introductions_due(struct broker_introductions *self, uint64_t now_ms)
{
    const uint32_t slot = broker_wheel_pop(&self->timers, now_ms);

    return slot != BROKER_NONE ? &self->list[slot] : NULL;
}
