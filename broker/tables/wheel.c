/* See wheel.h.  A spoke holds the timers of one tick; those further away than
 * one turn wait in the last spoke and are set again from there. */
#include "broker/tables/wheel.h"

#include <assert.h>
#include <stdlib.h>

/* Slots are linked by number + 1, so that fresh memory means "not set". */

bool
broker_wheel_init(struct broker_wheel *self, uint32_t capacity, uint64_t tick_ms)
{
    *self = (struct broker_wheel){.capacity = capacity, .tick_ms = tick_ms > 0 ? tick_ms : 1};
    self->nodes = calloc(capacity > 0 ? capacity : 1, sizeof *self->nodes);
    return self->nodes != NULL;
}

void
broker_wheel_wipe(struct broker_wheel *self)
{
    free(self->nodes);
    self->nodes = NULL;
}

bool
broker_wheel_is_set(const struct broker_wheel *self, uint32_t slot)
{
    return self->nodes[slot].spoke != 0;
}

void
broker_wheel_clear(struct broker_wheel *self, uint32_t slot)
{
    struct broker_wheel_node *node = &self->nodes[slot];

    if (node->spoke == 0)
        return;
    const uint32_t spoke = node->spoke - 1;
    if (node->prev != 0)
        self->nodes[node->prev - 1].next = node->next;
    else
        self->heads[spoke] = node->next;
    if (node->next != 0)
        self->nodes[node->next - 1].prev = node->prev;
    if (self->heads[spoke] == 0)
        self->busy[spoke / 64] &= ~(1ull << (spoke % 64));
    *node = (struct broker_wheel_node){0};
}

void
broker_wheel_set(struct broker_wheel *self, uint32_t slot, uint64_t due_ms)
{
    struct broker_wheel_node *node = &self->nodes[slot];
    uint64_t tick;

    assert(slot < self->capacity);
    broker_wheel_clear(self, slot);
    tick = due_ms / self->tick_ms + (due_ms % self->tick_ms != 0);
    if (tick < self->tick)
        tick = self->tick;
    if (tick - self->tick >= BROKER_WHEEL_SPOKES)
        tick = self->tick + BROKER_WHEEL_SPOKES - 1;
    const uint32_t spoke = (uint32_t)(tick % BROKER_WHEEL_SPOKES);
    node->due_ms = due_ms;
    node->spoke = spoke + 1;
    node->prev = 0;
    node->next = self->heads[spoke];
    if (node->next != 0)
        self->nodes[node->next - 1].prev = slot + 1;
    self->heads[spoke] = slot + 1;
    self->busy[spoke / 64] |= 1ull << (spoke % 64);
}

/* The first tick from self->tick on whose spoke is not empty. */
static uint64_t
next_tick(const struct broker_wheel *self)
{
    const uint32_t start = (uint32_t)(self->tick % BROKER_WHEEL_SPOKES);
    uint32_t ahead = 0;

    while (ahead < BROKER_WHEEL_SPOKES) {
        const uint32_t at = (start + ahead) % BROKER_WHEEL_SPOKES;
        const uint64_t bits = self->busy[at / 64] >> (at % 64);
        if (bits != 0)
            return self->tick + ahead + (uint32_t)__builtin_ctzll(bits);
        ahead += 64 - at % 64;
    }
    return BROKER_NEVER;
}

uint32_t
broker_wheel_pop(struct broker_wheel *self, uint64_t now_ms)
{
    const uint64_t now_tick = now_ms / self->tick_ms;

    for (;;) {
        const uint64_t tick = next_tick(self);
        if (tick == BROKER_NEVER || tick > now_tick) {
            /* Nothing is set in between, so the hub may move. */
            if (now_tick > self->tick)
                self->tick = now_tick;
            return BROKER_NONE;
        }
        self->tick = tick;
        const uint32_t slot = self->heads[tick % BROKER_WHEEL_SPOKES] - 1;
        const uint64_t due_ms = self->nodes[slot].due_ms;
        if (due_ms <= now_ms) {
            broker_wheel_clear(self, slot);
            return slot;
        }
        /* It waited for a later turn.  Its own tick is after now, or the last
         * spoke of this turn, so it never comes back to this spoke. */
        broker_wheel_set(self, slot, due_ms);
    }
}

uint64_t
broker_wheel_next(const struct broker_wheel *self)
{
    const uint64_t tick = next_tick(self);
    return tick == BROKER_NEVER ? BROKER_NEVER : tick * self->tick_ms;
}
